// The whole application on one database: its tables, intakes, workers and callers, each a process of its own. Everything ends with
// the test.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSession, type PrivateServer, type TestDatabase, urlAtPort } from 'spillway-test-bed'
import { vi } from 'vitest'
import type { NodeRecord } from '../../../src/cli/target/records.js'
import { systemClock } from '../../../src/runtime/index.js'
import type { Answered, Submitted } from '../../../src/testing/checker/index.js'
import { FaultProxy } from '../../../src/testing/index.js'
import type { FaultEngine, ServerStore } from '../engines.js'
import { Callers, type CallerTraffic } from './callers.js'
import { Counterpart } from './counterpart.js'
import { PATIENCE } from './patience.js'
import { type Exit, Program, type Role, type Setting } from './program.js'

export type Server = PrivateServer & { createDatabase(): Promise<TestDatabase> }

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

const STARTS_MAX = 10
const DAY_MS = 86_400_000

/** Callbacks have leases as long as their deliveries may last, which nobody can shorten. */
const CHUNKS: Readonly<Record<FaultEngine['kind'], string>> = {
  postgres: 'spillway.chunks',
  mariadb: 'spillway_chunks',
}

/** A place in the application that a process fills; another one takes it when that was killed. */
export interface Post {
  readonly role: Role
  readonly name: string
  program: Program
  /** Where it listens. */
  url: string
}

export interface ApplicationOptions {
  /** The processes reach the database through a network that can fail. Default false. */
  readonly isProxied?: boolean
  /** There is a counterpart that letters can be issued by. Default false. */
  readonly issuesLetters?: boolean
  /** Another configuration than its own, and what that one reads from the environment, by its folder for files. */
  readonly setting?: (folder: string) => OtherSetting
}

type OtherSetting = Pick<Setting, 'config' | 'variables'>

interface ApplicationParts {
  readonly engine: FaultEngine
  readonly url: string
  readonly proxy: FaultProxy | null
  readonly counterpart: Counterpart | null
  readonly store: ServerStore
  readonly folder: string
  readonly setting: OtherSetting
}

export class Application {
  readonly engine: FaultEngine
  readonly url: string
  /** Straight to the server: what is really there. */
  readonly store: ServerStore
  /** For files that processes leave, or wait for. */
  readonly folder: string
  /** Between the processes and the database, if anything is. */
  readonly proxy: FaultProxy | null
  readonly counterpart: Counterpart | null
  /** What all callers so far asked for and were told, by their log. */
  readonly told: (Submitted | Answered)[] = []
  readonly #ownSetting: ApplicationParts['setting']
  readonly #posts = new Map<string, Post>()
  readonly #runs: Callers[] = []
  /** Of what the test itself submits; the callers count upwards. */
  #ownOps = 0

  static async start(
    engine: FaultEngine,
    server: Server,
    roles: readonly Role[],
    { isProxied = false, issuesLetters = false, setting }: ApplicationOptions = {},
  ): Promise<Application> {
    const database = await server.createDatabase()
    const store = engine.makeStore(database.url)
    await store.schema.migrate()
    await store.open()
    const folder = await mkdtemp(join(tmpdir(), 'spillway-faults-'))
    const proxy = isProxied ? await FaultProxy.listen({ port: server.port }) : null
    const counterpart = issuesLetters ? await Counterpart.start(folder) : null
    const parts = { engine, url: database.url, store, folder, proxy, counterpart }
    const application = new Application({ ...parts, setting: setting?.(folder) ?? {} })
    await application.query(...TABLES[engine.kind])
    await Promise.all(roles.map((role, n) => application.fill(`${role}-${n}`, role)))
    return application
  }

  private constructor({ engine, url, store, folder, proxy, counterpart, setting }: ApplicationParts) {
    this.engine = engine
    this.url = url
    this.store = store
    this.folder = folder
    this.proxy = proxy
    this.counterpart = counterpart
    this.#ownSetting = setting
  }

  get #setting(): Setting {
    const { url, proxy, counterpart } = this
    return {
      ...this.#ownSetting,
      storeUrl: proxy === null ? url : urlAtPort(url, proxy.port),
      ...(counterpart !== null && { counterpartUrl: counterpart.url }),
    }
  }

  get posts(): readonly Post[] {
    return [...this.#posts.values()]
  }

  post(nameOrPid: string | number): Post {
    const found = this.posts.find(({ name, program }) => name === nameOrPid || program.pid === nameOrPid)
    if (found === undefined) throw new Error(`no process ${nameOrPid}`)
    return found
  }

  /**
   * Starts a process and waits until it works; callers learn of an intake. One that ends is started again, as a supervisor does: the
   * database may be away, or the machine busy.
   */
  async fill(name: string, role: Role): Promise<Post> {
    for (let start = 1; ; start += 1) {
      try {
        return await this.#startOne(name, role)
      } catch (error) {
        if (start === STARTS_MAX) throw error
      }
    }
  }

  async #startOne(name: string, role: Role): Promise<Post> {
    const program = Program.serve(this.#setting, role)
    const post: Post = { role, name, program, url: '' }
    this.#posts.set(name, post)
    const url = await program.url()
    if (url === null) throw new Error(`${name} did not start: ${program.log}`)
    post.url = url
    if (role === 'intake') for (const client of this.#clients) client.tell(name, url)
    return post
  }

  /** SIGKILL, and another one in its place. */
  async replace({ name, role, program }: Post): Promise<Post> {
    await program.kill()
    for (const client of this.#clients) client.tellGone(name)
    return await this.fill(name, role)
  }

  /** Those who have to know where an intake is. */
  get #clients(): readonly (Callers | Counterpart)[] {
    return this.counterpart === null ? this.#runs : [...this.#runs, this.counterpart]
  }

  startCallers(traffic: CallerTraffic = {}): Callers {
    const callers = new Callers(this.folder, this.#runs.length, traffic)
    this.#runs.push(callers)
    for (const { role, name, url } of this.posts) if (role === 'intake') callers.tell(name, url)
    return callers
  }

  async finish(callers: Callers): Promise<void> {
    for (const event of await callers.finish()) this.told.push(event)
  }

  /** The command line, as an operator uses it. */
  cli(...args: string[]): Promise<Exit> {
    return new Program(this.#setting, args).ended
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
    const answered = this.noteAsked(type, payload, null)
    const id = String((await this.ask(`/v1/commands/${type}`, payload)).id)
    answered(id)
    return id
  }

  /** For what the test sends itself. To be called before, and what it returns with the id that is known to be safe, or null. */
  noteAsked(
    type: 'order' | 'click',
    payload: { readonly id: string },
    key: string | null,
  ): (id: string | null) => void {
    this.#ownOps -= 1
    const op = this.#ownOps
    const what = { type, payload: JSON.stringify(payload), key, windowMs: key === null ? 0 : DAY_MS }
    this.told.push({ kind: 'submitted', at: systemClock.now(), op, ...what, runAt: null })
    return (id) => {
      const answer = id === null ? 'unknown' : 'accepted'
      this.told.push({ kind: 'answered', at: systemClock.now(), op, answer, id, code: null })
    }
  }

  /** Rows of the last statement. */
  async query(...statements: string[]): Promise<readonly Readonly<Record<string, unknown>>[]> {
    await using session = await openSession(this.url)
    let rows: readonly Readonly<Record<string, unknown>>[] = []
    for (const statement of statements) rows = await session.query(statement)
    return rows
  }

  /** Leases of callbacks end by themselves after a while; here they end now. Workers may be at the same rows. */
  async endCallbackLeases(): Promise<void> {
    const statement = `update ${CHUNKS[this.engine.kind]} set lease_expires_at = 0 where queue = 'spillway.callbacks' and state = 'leased'`
    await vi.waitFor(() => this.query(statement), PATIENCE)
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
      ...this.#clients.map((client) => client.kill()),
    ])
    await this.store.close()
    await this.proxy?.close()
    await rm(this.folder, { recursive: true, force: true })
  }
}
