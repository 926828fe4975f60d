// What other processes and disks do to a store. Nothing may be acknowledged that is not stored, and the event loop never waits.

import { open, readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { sqliteRig, untilWaiting } from '../../../test/support/sqlite-rig.js'
import type { SqliteDatabase } from './index.js'
import { MIGRATIONS } from './migrations/index.js'

describe("another connection's write lock", () => {
  it('makes an append wait without blocking, then reject, and nothing is stored', async () => {
    const rig = await sqliteRig({ busyTimeout: 1_000 })
    const other = rig.connect()
    other.exec('begin immediate')
    const append = rig.store.append([rig.draft()])
    await untilWaiting(rig)
    await rig.clock.advance(999)
    expect(await settledWithin(append)).toBe(false)
    const rejected = expect(append).rejects.toMatchObject({
      code: 'store_unavailable',
      retryable: true,
      details: { reason: 'busy', path: rig.path },
    })
    await rig.clock.advance(1)
    await rejected
    other.exec('commit')
    expect((await rig.store.reader.accounting()).accepted).toBe(0)
  })

  it('is waited for: the append succeeds once it is free', async () => {
    const rig = await sqliteRig({ busyTimeout: 1_000 })
    const other = rig.connect()
    other.exec('begin immediate')
    const append = rig.store.append([rig.draft()])
    await untilWaiting(rig)
    await rig.clock.advance(500)
    other.exec('commit')
    await rig.clock.advance(100)
    await append
    expect((await rig.store.reader.accounting()).accepted).toBe(1)
  })

  it('does not change the order of appends', async () => {
    const rig = await sqliteRig({ busyTimeout: 1_000 })
    const other = rig.connect()
    other.exec('begin immediate')
    const first = rig.store.append([rig.draft({ payloads: ['first'] })])
    await untilWaiting(rig)
    other.exec('commit')
    // The lock is free, but the first is still asleep: the second must not overtake it.
    const second = rig.store.append([rig.draft({ payloads: ['second'] })])
    await rig.clock.advance(100)
    await Promise.all([first, second])
    expect(rig.rows('select body from spillway_chunks order by seq')).toEqual([
      { body: '["first"]' },
      { body: '["second"]' },
    ])
  })

  it('stops neither readers nor idle workers', async () => {
    const rig = await sqliteRig()
    const lease = await rig.lease()
    rig.connect().exec('begin immediate')
    expect((await rig.store.reader.queues())[0]).toMatchObject({ queue: 'main', running: 1 })
    const request = {
      queue: 'main',
      types: ['work'],
      chunksMax: 1,
      commandsMax: 1,
      leaseMs: 1_000,
      workerId: 'w',
    }
    expect(await rig.store.claim(request)).toEqual([])
    expect(
      await rig.store.promote({ limit: 10, chunkCommandsMax: 10, newChunkId: () => lease.chunkId }),
    ).toBe(0)
    expect(await rig.store.prune({ retentionMs: 0, failedRetentionMs: 0, limit: 10 })).toEqual({
      chunks: 0,
      commands: 0,
      keys: 0,
    })
  })

  it('makes a migration wait too', async () => {
    const rig = await sqliteRig({ state: 'nothing', busyTimeout: 1_000 })
    const other = rig.connect()
    other.exec('begin exclusive')
    const migration = rig.store.schema.migrate()
    await untilWaiting(rig)
    other.exec('commit')
    await rig.clock.advance(100)
    expect(await migration).toMatchObject({ current: MIGRATIONS.length, pending: [] })
  })

  it('fails the probe that readiness asks', async () => {
    const rig = await sqliteRig({ busyTimeout: 0 })
    await rig.store.probe()
    rig.connect().exec('begin immediate')
    await expect(rig.store.probe()).rejects.toMatchObject({ details: { reason: 'busy' } })
  })
})

describe('a full disk', () => {
  it('rejects the append, stores nothing of it, and lets the next one through when there is room', async () => {
    const rig = await sqliteRig()
    await rig.store.append([rig.draft()])
    const { durable } = rig.own
    limitTo(durable, pagesOf(durable))
    const big = rig.draft({ payloads: ['x'.repeat(100_000)], keys: ['k'] })
    const full = { code: 'store_unavailable', retryable: true, details: { reason: 'full' } }
    await expect(rig.store.append([rig.draft(), big])).rejects.toMatchObject(full)
    await expect(rig.store.probe()).rejects.toMatchObject(full)
    expect(await rig.store.reader.accounting()).toMatchObject({ accepted: 1, ready: 1 })
    limitTo(durable, 1_000_000)
    await rig.store.probe()
    expect(await rig.store.append([big])).toMatchObject([{ verdicts: null }])
  })
})

describe('a file that cannot be written', () => {
  it('rejects what writes and still answers what reads', async () => {
    const rig = await sqliteRig()
    await rig.store.append([rig.draft()])
    rig.own.durable.exec('pragma query_only = 1')
    const readOnly = { code: 'store_unavailable', details: { reason: 'read_only' } }
    await expect(rig.store.append([rig.draft()])).rejects.toMatchObject(readOnly)
    await expect(rig.store.probe()).rejects.toMatchObject(readOnly)
    expect((await rig.store.reader.accounting()).accepted).toBe(1)
  })
})

describe('a damaged file', () => {
  it('is reported as damaged, not as empty', async () => {
    const rig = await sqliteRig()
    await rig.store.append([
      rig.draft({ payloads: Array.from({ length: 500 }, (_, n) => ({ n, text: 'x'.repeat(50) })) }),
    ])
    await rig.store.close()
    const { length } = await readFile(rig.path)
    const file = await open(rig.path, 'r+')
    // Everything behind the first page, which says what the others are.
    await file.write(Buffer.alloc(length - 4_096, 0xa5), 0, length - 4_096, 4_096)
    await file.close()
    const failing = rig.store.open().then(() => rig.store.append([rig.draft()]))
    await expect(failing).rejects.toMatchObject({
      code: 'store_unavailable',
      details: { reason: 'corrupt' },
      message: expect.stringContaining('integrity_check'),
    })
  })
})

function pagesOf(db: SqliteDatabase): number {
  return (db.prepare('pragma page_count').get() as { page_count: number }).page_count
}

function limitTo(db: SqliteDatabase, pages: number): void {
  db.exec(`pragma max_page_count = ${pages}`)
}

/** Whether the promise settles without any more time passing. */
async function settledWithin(promise: Promise<unknown>): Promise<boolean> {
  let settled = false
  const done = () => {
    settled = true
  }
  promise.then(done, done)
  for (let turn = 0; turn < 100; turn += 1) await Promise.resolve()
  return settled
}
