// Connections that break, calls that do not come back, transactions that the server undoes: nothing is lost, and the next call works.

import type { Connection } from 'mysql2/promise'
import { describe, expect, it, onTestFinished } from 'vitest'
import { killStores, untilOneWaits } from '../../../test/support/mysql-disturbances.js'
import { complete, type MysqlRig, mysqlRig, TEST_OPTIONS } from '../../../test/support/mysql-rig.js'
import { untilAnswered } from '../../../test/support/until-answered.js'
import type { ChunkDraft } from '../../domain/index.js'
import { SpillwayError } from '../../errors/index.js'
import type { AppendResult } from '../../ports/index.js'
import { mysql } from './index.js'

/** Deadlines that are to be met with. */
const HASTE_MS = 500
/** The last connection may have been killed after the last answer. */
const FAILURES_MAX = 1_000

/** Holds the chunk's row, so that whoever writes about it waits. */
async function holding(rig: MysqlRig, chunkId: string): Promise<Connection> {
  const holder = await rig.connect()
  await holder.beginTransaction()
  await holder.query('select seq from spillway_chunks where id = ? for update', [chunkId])
  return holder
}

describe('connections that the server closed', () => {
  it('are replaced by the next calls', async () => {
    const rig = await mysqlRig()
    await Promise.all(Array.from({ length: 4 }, () => rig.store.append([rig.draft()])))
    for (let round = 0; round < 3; round += 1) {
      await killStores(rig)
      await untilAvailable(rig)
      await rig.store.append([rig.draft()])
    }
    expect((await rig.store.reader.accounting()).accepted).toBe(7)
  })
})

/** As often as there are connections, a call may find one before its end was heard of. */
async function untilAvailable({ store }: MysqlRig): Promise<void> {
  for (let failures = 0; ; failures += 1) {
    const error: unknown = await store.probe().catch((caught: unknown) => caught)
    if (error === undefined) return
    expect(error).toMatchObject({ code: 'store_unavailable' })
    expect(failures).toBeLessThan(5)
  }
}

describe('a connection that is lost in the middle of a call', () => {
  it('rejects as unavailable, changes nothing, and the same call works afterwards', async () => {
    const rig = await mysqlRig()
    const lease = await rig.lease()
    const holder = await holding(rig, lease.chunkId)
    const settling = rig.store.settle([complete(lease)])
    settling.catch(() => {})
    await untilOneWaits(holder)
    await killStores(rig, [holder])
    await expect(settling).rejects.toMatchObject({
      ...{ code: 'store_unavailable', retryable: true, details: { reason: 'connection' } },
    })
    await holder.rollback()
    expect(await rig.store.settle([complete(lease)])).toEqual(['ok'])
  })
})

describe('a server that does not answer in time', () => {
  it('costs the connection, not the store', async () => {
    const rig = await mysqlRig()
    const lease = await rig.lease()
    const holder = await holding(rig, lease.chunkId)
    // With one place, so that the next call needs it.
    const hasty = mysql(rig.database.url, {
      ...{ ...TEST_OPTIONS, clock: rig.clock },
      ...{ poolSize: 1, queryTimeout: HASTE_MS },
    })
    await untilAnswered(() => hasty.open(), FAILURES_MAX)
    onTestFinished(() => hasty.close())
    await expect(hasty.settle([complete(lease)])).rejects.toMatchObject({
      ...{ code: 'store_unavailable', details: { reason: 'deadline', queryTimeoutMs: HASTE_MS } },
    })
    await holder.rollback()
    // Nobody told the server to stop: it may have gone on with an earlier call meanwhile.
    const [verdict] = await untilAnswered(() => hasty.settle([complete(lease)]), FAILURES_MAX)
    expect(['ok', 'stale']).toContain(verdict)
    expect(await rig.store.reader.accounting()).toMatchObject({ running: 0, succeeded: 1 })
  })
})

describe('a pool that is exhausted', () => {
  it('rejects who waited too long, and serves others once it is not', async () => {
    const rig = await mysqlRig({ poolSize: 1, acquireTimeout: HASTE_MS })
    const lease = await rig.lease()
    const holder = await holding(rig, lease.chunkId)
    const settling = rig.store.settle([complete(lease)])
    await untilOneWaits(holder)
    await expect(rig.store.append([rig.draft()])).rejects.toMatchObject({
      ...{ code: 'store_unavailable', details: { reason: 'pool_exhausted', poolSize: 1 } },
    })
    await holder.rollback()
    expect(await settling).toEqual(['ok'])
    expect(await rig.store.append([rig.draft()])).toHaveLength(1)
  })

  it('closes when the calls under way are done, and rejects those that wait', async () => {
    const rig = await mysqlRig({ poolSize: 1 })
    const lease = await rig.lease()
    const holder = await holding(rig, lease.chunkId)
    const settling = rig.store.settle([complete(lease)])
    await untilOneWaits(holder)
    const waiting = rig.store.probe()
    const closing = rig.store.close()
    await expect(waiting).rejects.toMatchObject({ code: 'closed' })
    await holder.rollback()
    expect(await settling).toEqual(['ok'])
    await closing
  })
})

describe('a transaction that the server undoes in favour of another', () => {
  it('is begun again by itself', async () => {
    const rig = await mysqlRig()
    const [first, second] = [await rig.lease(), await rig.lease()]
    const ids = [first.chunkId, second.chunkId].sort()
    const holder = await holding(rig, ids[1] as string)
    // The store locks in the order of the ids, so it has the first and waits for the second.
    const error = { code: 'e', message: 'm' }
    const failed = { index: 0, state: 'failed', attempts: 1, delayMs: 0, error } as const
    const settling = rig.store.settle(
      [first, second].map((lease) => ({ ...complete(lease), updates: [failed] })),
    )
    await untilOneWaits(holder)
    // Heavier, so that the other one is undone.
    await holder.query(`insert into spillway_results select seq, 7, repeat('x', 100) from spillway_chunks`)
    await holder.query('select seq from spillway_chunks where id = ? for update', [ids[0]]).catch(() => {})
    await holder.rollback()
    expect(await settling).toEqual(['ok', 'ok'])
    expect(await rig.store.reader.accounting()).toMatchObject({ failed: 2 })
  })

  it('is reported after a bounded number of times', async () => {
    const rig = await mysqlRig()
    let calls = 0
    const deadlock = () => {
      calls += 1
      throw Object.assign(new Error('Deadlock found'), {
        errno: 1213,
        sqlState: '40001',
        code: 'ER_LOCK_DEADLOCK',
      })
    }
    const work = rig.store.promote({ limit: 1, chunkCommandsMax: 1, newChunkId: deadlock })
    expect(await work).toBe(0)
    await rig.store.append([
      rig.draft({ parked: [{ state: 'scheduled', nextAt: rig.clock.now(), attempts: 0, error: null }] }),
    ])
    const failing: unknown = await rig.store
      .promote({ limit: 1, chunkCommandsMax: 1, newChunkId: deadlock })
      .catch((caught: unknown) => caught)
    expect(failing).toBeInstanceOf(SpillwayError)
    expect(failing).toMatchObject({ code: 'store_unavailable', details: { reason: 'deadlock' } })
    expect(calls).toBe(8)
  })
})

describe('killing every connection under load', () => {
  it('neither loses nor doubles what is resent with the same ids', async () => {
    const rig = await mysqlRig()
    const drafts = Array.from({ length: 60 }, (_, n) =>
      rig.draft({ payloads: [n, -n], keys: [`a${n}`, `b${n}`] }),
    )
    let left = drafts.length
    const killing = (async () => {
      for (let rounds = 0; left > 0 && rounds < 30; rounds += 1) await killStores(rig)
    })()
    const results = await Promise.all(
      drafts.map(async (draft) => {
        const result = await untilStored(rig, draft)
        left -= 1
        return result
      }),
    )
    await killing
    expect(results.flat().map(({ verdicts }) => verdicts)).toEqual(drafts.map(() => null))
    expect(await untilAnswered(() => rig.store.reader.accounting(), FAILURES_MAX)).toMatchObject({
      accepted: 120,
      ready: 120,
    })
  })
})

function untilStored({ store }: MysqlRig, draft: ChunkDraft): Promise<readonly AppendResult[]> {
  return untilAnswered(() => store.append([draft]), FAILURES_MAX)
}
