// Behind PgBouncer in transaction mode every transaction may have another connection of the server.

import {
  requireServer,
  sharedPostgres,
  startPgBouncer,
  type TestDatabase,
  urlAtPort,
} from 'spillway-test-bed'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { claimAll, complete } from '../../../test/support/postgres-rig.js'
import type { ChunkDraft, Lease } from '../../domain/index.js'
import { postgres } from './index.js'

requireServer(describe, 'pgbouncer')('behind PgBouncer in transaction mode', () => {
  let bouncer: Awaited<ReturnType<typeof startPgBouncer>>
  let database: TestDatabase
  let url: string

  beforeAll(async () => {
    const servers = await sharedPostgres()
    // What a transaction leaves on a connection is gone for the next one, as if it had another.
    const settings = { server_reset_query_always: '1', server_reset_query: 'DISCARD ALL' }
    bouncer = await startPgBouncer({ postgres: servers, poolMode: 'transaction', settings })
    database = await servers.createDatabase()
    url = urlAtPort(database.url, bouncer.port)
    await postgres(url, { prepare: false, listen: false }).schema.migrate()
  })
  afterAll(async () => {
    await bouncer?.stop()
    await database?.drop()
  })

  it('works without prepared statements and without listening', async () => {
    const store = postgres(url, { prepare: false, listen: false })
    onTestFinished(() => store.close())
    await store.open()
    for (const n of [1, 2, 3]) {
      await store.append([draft(n)])
      const [lease] = (await claimAll(store)) as [Lease]
      const verdicts = await store.settleWithin([lease], async ({ tx, savepoint }) => {
        await savepoint(() => tx.query('select 1'))
        return [complete(lease)]
      })
      expect(verdicts).toEqual(['ok'])
    }
    expect(await store.reader.accounting()).toMatchObject({ accepted: 3, succeeded: 3 })
  })

  it('says what to do when statements are prepared', async () => {
    const store = postgres(url, { listen: false })
    onTestFinished(() => store.close())
    await store.open()
    const calls = async () => {
      for (const n of [11, 12, 13]) await store.append([draft(n)])
    }
    await expect(calls()).rejects.toMatchObject({
      code: 'store_incompatible',
      message: expect.stringContaining('prepare: false, listen: false'),
    })
  })
})

function draft(n: number): ChunkDraft {
  const id = `0190000000007000${n.toString(16).padStart(16, '8000000000000000')}`
  const place = { queue: 'main', type: 'work', priority: 0, partition: null, codec: 'json' as const }
  const keys = [{ key: `k${n}`, fingerprint: 'f', windowMs: 1_000_000 }]
  return { id, ...place, body: `[${n}]`, size: 1, keys, parked: null }
}
