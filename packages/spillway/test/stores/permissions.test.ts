// docs/stores.md says which rights a store's users need. They are given here, word for word: enough for one to migrate, and for the
// other to do everything else.

import { readFileSync } from 'node:fs'
import {
  openSession,
  requireServer,
  sharedMariaDb,
  sharedPostgres,
  type TestDatabase,
} from 'spillway-test-bed'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { ChunkDraft, Lease, Settlement } from '../../src/domain/index.js'
import type { Store } from '../../src/ports/index.js'
import { mysql } from '../../src/stores/mysql/index.js'
import { postgres } from '../../src/stores/postgres/index.js'

const DOCS = new URL('../../../../docs/stores.md', import.meta.url)
const PASSWORD = 'of-tests-alone'

interface Names {
  readonly app: string
  readonly owner: string
  readonly database: string
}

function namesFor({ name }: TestDatabase): Names {
  return { app: `app_${name}`, owner: `owner_${name}`, database: name }
}

function documentedGrants(title: string, { app, owner, database }: Names): readonly string[] {
  const snippet = new RegExp(`<!-- snippet: ${title} -->\n\`\`\`sql\n([^]*?)\`\`\``).exec(
    readFileSync(DOCS, 'utf8'),
  )?.[1]
  const statements = (snippet ?? '').split(';\n').filter(Boolean)
  expect(statements).not.toEqual([])
  return statements.map((statement) =>
    statement
      .replace('spillway_app', app)
      .replace('spillway_owner', owner)
      .replace('database app', `database ${database}`)
      .replace('app.*', `${database}.*`),
  )
}

function asUser(url: string, user: string): string {
  return Object.assign(new URL(url), { username: user, password: PASSWORD }).href
}

async function runAll(url: string, statements: readonly string[]): Promise<void> {
  await using session = await openSession(url)
  for (const statement of statements) await session.query(statement)
}

/** Every call of the port, on the rights given. */
async function useAll(store: Store): Promise<void> {
  await store.open()
  onTestFinished(() => store.close())
  await store.probe()
  await store.append([1, 2, 3].map(draft))
  const leases = await store.claim({
    ...{ queue: 'main', types: ['work'], chunksMax: 10, commandsMax: 10, leaseMs: 30_000, workerId: 'w' },
  })
  const [first, second, third] = leases as [Lease, Lease, Lease]
  const progress = { chunkId: first.chunkId, token: first.token, updates: [], finished: [] }
  expect(await store.extend([progress], 30_000)).toEqual(['ok'])
  expect(await store.settle([complete(first)])).toEqual(['ok'])
  expect(await store.settleWithin([second], () => [complete(second)])).toEqual(['ok'])
  await store.settle([complete(third)])
  const never = { retentionMs: 0, failedRetentionMs: 0, limit: 100 }
  expect(await store.promote({ limit: 10, chunkCommandsMax: 10, newChunkId: () => draft(9).id })).toBe(0)
  expect(await store.control.configureQueue('main', { paused: true })).toMatchObject({ paused: true })
  expect(await store.control.cancel([`${first.chunkId}-0`])).toEqual(['conflict'])
  await store.nodes.heartbeat({ id: 'n', host: 'h', pid: 1, version: '1', roles: ['worker'] }, 1_000)
  expect(await store.nodes.acquire('pruner', 'n', 1_000)).toMatchObject({ role: 'pruner' })
  await store.nodes.leave('n')
  expect(await store.reader.accounting()).toMatchObject({ accepted: 3, succeeded: 3 })
  expect((await store.reader.list({ limit: 10 })).items).toHaveLength(3)
  expect(await store.prune(never)).toMatchObject({ chunks: 3 })
}

function draft(n: number): ChunkDraft {
  const id = `0190000000007000${n.toString(16).padStart(16, '8000000000000000')}`
  const place = { queue: 'main', type: 'work', priority: 0, partition: null, codec: 'json' as const }
  const keys = [{ key: `k${n}`, fingerprint: 'f', windowMs: 1 }]
  return { id, ...place, body: `[${n}]`, size: 1, keys, parked: null }
}

function complete({ chunkId, token }: Lease): Settlement {
  return { chunkId, token, updates: [], finished: [], complete: true }
}

async function disposable(database: Promise<TestDatabase>): Promise<TestDatabase> {
  const { name, url, drop } = await database
  onTestFinished(drop)
  return { name, url, drop }
}

requireServer(describe, 'postgres')('the rights that the documentation asks for on PostgreSQL', () => {
  it('are enough to migrate, and to use the store without being able to migrate', async () => {
    const database = await disposable((await sharedPostgres()).createDatabase())
    const { url } = database
    const names = namesFor(database)
    const { app, owner } = names
    await runAll(url, [
      ...[app, owner].map((user) => `create role ${user} login password '${PASSWORD}'`),
      ...documentedGrants('postgres migrating', names),
    ])
    onTestFinished(() =>
      runAll(url, [`drop owned by ${app}, ${owner} cascade`, `drop role ${app}, ${owner}`]),
    )
    await postgres(asUser(url, owner)).schema.migrate()
    await runAll(asUser(url, owner), documentedGrants('postgres', names))
    await useAll(postgres(asUser(url, app)))
    await runAll(asUser(url, app), ['truncate spillway.keys_0, spillway.keys_1'])
    await expect(postgres(asUser(url, app), { schema: 'another' }).schema.migrate()).rejects.toMatchObject({
      code: 'store_incompatible',
      message: expect.stringContaining('permission denied'),
    })
  })
})

requireServer(describe, 'mariadb')('the rights that the documentation asks for on MariaDB', () => {
  it('are enough to migrate, and to use the store without being able to migrate', async () => {
    const database = await disposable((await sharedMariaDb()).createDatabase())
    const { url } = database
    const names = namesFor(database)
    const { app, owner } = names
    const options = { synchronous: 'normal', poolSize: 3 } as const
    await runAll(url, [
      ...[app, owner].map((user) => `create user ${user} identified by '${PASSWORD}'`),
      ...documentedGrants('mysql migrating', names),
      ...documentedGrants('mysql', names),
    ])
    onTestFinished(() => runAll(url, [`drop user ${app}, ${owner}`]))
    await mysql(asUser(url, owner), options).schema.migrate()
    await useAll(mysql(asUser(url, app), options))
    await expect(runAll(asUser(url, app), ['create table more (n int)'])).rejects.toThrow('denied')
  })
})
