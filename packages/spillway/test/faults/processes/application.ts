// The whole application on one database: its tables, intakes, workers and callers, each a process of its own. Everything ends with
// the test.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSession, type PrivateServer, type TestDatabase } from 'spillway-test-bed'
import { vi } from 'vitest'
import type { NodeRecord } from '../../../src/cli/target/records.js'
import { systemClock } from '../../../src/runtime/index.js'
import type { Answered, Submitted } from '../../../src/testing/checker/index.js'
import type { FaultEngine, ServerStore } from '../engines.js'
import { Callers } from './callers.js'
import { PATIENCE } from './patience.js'
import { type Exit, Program, type Role } from './program.js'

type Server = PrivateServer & { createDatabase(): Promise<TestDatabase> }

const TABLES: Readonly<Record<FaultEngine['kind'], readonly string[]>> = {
  postgres: [
    'create table orders (number bigint generated always as identity primary key, command text, id text)',
    'create table clicks (execution uuid primary key, id text)',
    'create table passages (gate text, by_pid integer)',
  ],
  mariadb: [
    'create table orders (number bigint primary key auto_increment, command varchar(60), id varchar(60))',
    'create table clicks (execution varchar(36) primary key, id varchar(60))',
    'create table passages (gate varchar(200), by_pid integer)',
  ],
}

/** A place in the application that a process fills; another one takes it when that was killed. */
interface Post {
  readonly role: Role
  readonly name: string
  program: Program
  /** Where it listens. */
  url: string
}

interface ApplicationParts {
  readonly engine: FaultEngine
  readonly url: string
  readonly store: ServerStore
  readonly folder: string
}

export class Application {
  readonly engine: FaultEngine
  readonly url: string
  /** Straight to the server: what is really there. */
  readonly store: ServerStore
  /** For files that processes leave, or wait for. */
  readonly folder: string
  /** What all callers so far asked for and were told, by their log. */
  readonly told: (Submitted | Answered)[] = []
  readonly #posts = new Map<string, Post>()
  readonly #runs: Callers[] = []
  /** Of what the test itself submits; the callers count upwards. */
  #ownOps = 0

  static async start(engine: FaultEngine, server: Server, roles: readonly Role[]): Promise<Application> {
    const database = await server.createDatabase()
    const store = engine.makeStore(database.url)
    await store.schema.migrate()
    await store.open()
    const folder = await mkdtemp(join(tmpdir(), 'spillway-faults-'))
    const application = new Application({ engine, url: database.url, store, folder })
    await application.query(...TABLES[engine.kind])
    await Promise.all(roles.map((role, n) => application.fill(`${role}-${n}`, role)))
    return application
  }

  private constructor({ engine, url, store, folder }: ApplicationParts) {
    this.engine = engine
    this.url = url
    this.store = store
    this.folder = folder
  }

  get posts(): readonly Post[] {
    return [...this.#posts.values()]
  }

  post(nameOrPid: string | number): Post {
    const found = this.posts.find(({ name, program }) => name === nameOrPid || program.pid === nameOrPid)
    if (found === undefined) throw new Error(`no process ${nameOrPid}`)
    return found
  }

  /** Starts a process and waits until it works; callers learn of an intake. */
  async fill(name: string, role: Role): Promise<Post> {
    const program = Program.serve(this.url, role)
    const post: Post = { role, name, program, url: '' }
    this.#posts.set(name, post)
    const url = await program.url()
    if (url === null) throw new Error(`${name} did not start: ${program.log}`)
    post.url = url
    if (role === 'intake') for (const callers of this.#runs) callers.tell(name, url)
    return post
  }

  /** SIGKILL, and another one in its place. */
  async replace({ name, role, program }: Post): Promise<Post> {
    await program.kill()
    for (const callers of this.#runs) callers.tellGone(name)
    return await this.fill(name, role)
  }

  startCallers(): Callers {
    const callers = new Callers(this.folder, this.#runs.length)
    this.#runs.push(callers)
    for (const { role, name, url } of this.posts) if (role === 'intake') callers.tell(name, url)
    return callers
  }

  async finish(callers: Callers): Promise<void> {
    for (const event of await callers.finish()) this.told.push(event)
  }

  /** The command line, as an operator uses it. */
  cli(...args: string[]): Promise<Exit> {
    return new Program(this.url, args).ended
  }

  async nodes(): Promise<readonly NodeRecord[]> {
    const { stdout } = await this.cli('nodes', '--json')
    return stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line))
  }

  /** By an intake's HTTP interface. */
  async ask(path: string, body: unknown = {}): Promise<Readonly<Record<string, unknown>>> {
    const intake = this.posts.find(({ role }) => role === 'intake')
    const response = await fetch(`${intake?.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    if (!response.ok) throw new Error(`${path} was answered with ${response.status}`)
    return (await response.json()) as Readonly<Record<string, unknown>>
  }

  /** The id of the command, which the verdict counts on from now on. */
  async submit(type: 'order' | 'click', payload: { readonly id: string }): Promise<string> {
    this.#ownOps -= 1
    const op = this.#ownOps
    const submitted = { type, payload: JSON.stringify(payload), key: null, windowMs: 0, runAt: null }
    this.told.push({ kind: 'submitted', at: systemClock.now(), op, ...submitted })
    const id = String((await this.ask(`/v1/commands/${type}`, payload)).id)
    this.told.push({ kind: 'answered', at: systemClock.now(), op, answer: 'accepted', id, code: null })
    return id
  }

  /** Rows of the last statement. */
  async query(...statements: string[]): Promise<readonly Readonly<Record<string, unknown>>[]> {
    await using session = await openSession(this.url)
    let rows: readonly Readonly<Record<string, unknown>>[] = []
    for (const statement of statements) rows = await session.query(statement)
    return rows
  }

  async stateOf(id: string): Promise<string | undefined> {
    return (await this.store.reader.get([id]))[0]?.state
  }

  async untilSucceeded(id: string): Promise<void> {
    await vi.waitFor(async () => {
      if ((await this.stateOf(id)) !== 'succeeded') throw new Error(`${id} has not succeeded`)
    }, PATIENCE)
  }

  async end(): Promise<void> {
    await Promise.all([
      ...this.posts.map(({ program }) => program.kill()),
      ...this.#runs.map((callers) => callers.kill()),
    ])
    await this.store.close()
    await rm(this.folder, { recursive: true, force: true })
  }
}
