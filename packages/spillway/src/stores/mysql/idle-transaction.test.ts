// A worker that was paused inside a handler's transaction says nothing and does not hang up either. The server ends the transaction
// for it, so that its chunks do not stay locked until somebody finds the process.

import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { complete, mysqlRig, TEST_OPTIONS } from '../../../test/support/mysql-rig.js'
import type { Lease } from '../../domain/index.js'
import { checkOptions } from './options.js'
import { openSession } from './session.js'

/** The server counts in whole seconds. */
const IDLE_MS = 1_000
const ENDED_WITHIN_MS = 20_000

describe("a handler's transaction that is idle for too long", () => {
  it('is ended by the server: its chunk goes to another worker, its effects are undone', async () => {
    const rig = await mysqlRig({ idleTransaction: IDLE_MS })
    await rig.rows('create table clicks (id varchar(50) primary key)')
    const lease = await rig.lease()
    await rig.clock.advance(30_001)

    let other: Lease | undefined
    const paused = rig.store.settleWithin([lease], async ({ tx }) => {
      // On a busy machine it has been idle for too long before this.
      await tx.query("insert into clicks values ('late')").catch(() => {})
      await vi.waitFor(async () => {
        ;[other] = await rig.store.claim({
          ...{ queue: lease.queue, types: [lease.type], chunksMax: 1, commandsMax: 10 },
          ...{ leaseMs: 30_000, workerId: 'other' },
        })
        expect(other).toMatchObject({ chunkId: lease.chunkId, token: lease.token + 1 })
      }, ENDED_WITHIN_MS)
      return [complete(lease)]
    })
    await expect(paused).rejects.toMatchObject({ code: 'store_unavailable' })
    expect(await rig.rows('select * from clicks')).toEqual([])
    expect(await rig.store.settle([complete(lease), complete(other as Lease)])).toEqual(['stale', 'ok'])
  })

  it('is no other transaction’s trouble: a connection may be idle for longer between two of them', async () => {
    const rig = await mysqlRig({ idleTransaction: IDLE_MS, poolSize: 1 })
    const connectionOf = async (lease: Lease): Promise<unknown> => {
      let id: unknown
      await rig.store.settleWithin([lease], async ({ tx }) => {
        id = (await tx.query('select connection_id() as id'))[0]
        return [complete(lease)]
      })
      return id
    }
    const first = await connectionOf(await rig.lease())
    await rig.rows(`do sleep(${(IDLE_MS * 2) / 1_000})`)
    expect(await connectionOf(await rig.lease())).toEqual(first)
  })
})

describe("a transaction of the store's own that is idle for too long", () => {
  it('is ended by the server, and whoever waits for its locks goes on', async () => {
    const rig = await mysqlRig()
    await rig.store.append([rig.draft()])
    const session = openSession(checkOptions(rig.database.url, TEST_OPTIONS))
    onTestFinished(() => session.close())

    const silent = session.transaction(async ({ send }) => {
      await send(['select seq from spillway_chunks for update'])
      await rig.rows('update spillway_chunks set priority = 1')
      await send(['select 1'])
    })
    await expect(silent).rejects.toMatchObject({ code: 'store_unavailable' })
    expect(await rig.rows('select priority from spillway_chunks')).toEqual([{ priority: 1 }])
  })
})
