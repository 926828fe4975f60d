// A database of its own with a Spillway that only takes commands, for the tests of one file.

import type { TestDatabase } from 'spillway-test-bed'
import { afterAll, beforeAll, expect } from 'vitest'
import { createSpillway, type Spillway, type SpillwayError } from '../../src/index.js'
import type { OpenLibrary, TransactionLibrary, UserTransaction } from '../support/transactions/library.js'
import { COMMANDS, type Order, QUEUES } from './commands.js'
import { type Engine, type Observer, prepareDatabase } from './engine.js'

class ChangedMyMind extends Error {}

export class Scene {
  readonly engine: Engine
  #database: TestDatabase | null = null
  #observer: Observer | null = null
  #spillway: Spillway | null = null
  #lastId = 0

  constructor(engine: Engine) {
    this.engine = engine
    beforeAll(async () => {
      const { database, observer } = await prepareDatabase(engine)
      this.#database = database
      this.#observer = observer
      this.#spillway = await createSpillway(
        { store: engine.storeAt(database.url), commands: COMMANDS, queues: QUEUES },
        { roles: ['intake'], migrate: true, logs: 'silent' },
      )
    })
    afterAll(async () => {
      await this.#spillway?.close()
      await this.#observer?.close()
      await this.#database?.drop()
    })
  }

  get url(): string {
    return there(this.#database).url
  }

  get spillway(): Spillway {
    return there(this.#spillway)
  }

  query(sql: string): Promise<Record<string, unknown>[]> {
    return there(this.#observer).query(sql)
  }

  newOrder(note = ''): Order {
    this.#lastId += 1
    return { id: this.#lastId, note }
  }

  async isOrdered(id: number): Promise<boolean> {
    return (await this.query(`select 1 from orders where id = ${id}`)).length === 1
  }

  /** Resolves once a statement waits for a lock. */
  async someoneWaits(): Promise<void> {
    await expect.poll(() => there(this.#observer).waiting()).toBeGreaterThan(0)
  }
}

/** One library on the database of a scene. */
export class LibraryScene {
  readonly scene: Scene
  readonly open: OpenLibrary
  #library: TransactionLibrary | null = null

  constructor(scene: Scene, open: OpenLibrary) {
    this.scene = scene
    this.open = open
    beforeAll(async () => {
      this.#library = await open(scene.url)
    })
    afterAll(() => this.#library?.close())
  }

  get library(): TransactionLibrary {
    return there(this.#library)
  }

  /** Rolls back after the work. */
  async rollBackAfter<T>(work: (user: UserTransaction) => Promise<T>): Promise<T> {
    const done: T[] = []
    const rolledBack = this.library.run(async (user) => {
      done.push(await work(user))
      throw new ChangedMyMind()
    })
    await rolledBack.catch((error) => {
      if (!(error instanceof ChangedMyMind)) throw error
    })
    return done[0] as T
  }
}

/** What a call rejects with; `none` when it does not. */
export function codeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'none',
    (error: SpillwayError) => error.code,
  )
}

function there<T>(value: T | null): T {
  if (value === null) throw new Error('the scene is not set')
  return value
}
