// What a handler may and may not do with the settlement's transaction: whatever it does, effects and settlement stay together.

import type { PoolClient } from 'pg'
import { requireServer } from 'spillway-test-bed'
import { describe, expect, it } from 'vitest'
import {
  claimAll,
  complete,
  disposing,
  type PostgresRig,
  postgresRigs,
} from '../../../test/support/postgres-rig.js'
import { sessionOn } from '../../../test/support/postgres-session.js'
import { commandId, type Lease } from '../../domain/index.js'
import type { SettleScope } from '../../ports/index.js'
import type { PostgresOptions } from './index.js'

type Scope = SettleScope<PoolClient>

requireServer(describe, 'postgres')("a handler's transaction", () => {
  const newRig = disposing(postgresRigs())

  async function rigWithEffects(options: PostgresOptions = {}): Promise<PostgresRig> {
    const rig = await newRig(options)
    await rig.rows('create table @.effects (id text primary key)')
    return rig
  }

  const effect = (id: string) => `insert into effects values ('${id}')`
  const effects = async (rig: PostgresRig) =>
    (await rig.rows('select id from @.effects order by id')).map(({ id }) => id)
  const stateOf = async (rig: PostgresRig, { chunkId }: Lease) =>
    (await rig.store.reader.get([`${chunkId}-0`]))[0]?.state

  it('commits what it wrote together with the settlement', async () => {
    const rig = await rigWithEffects()
    const lease = await rig.lease()
    const verdicts = await rig.store.settleWithin([lease], async ({ tx }) => {
      await tx.query(effect('a'))
      return [complete(lease)]
    })
    expect(verdicts).toEqual(['ok'])
    expect([await effects(rig), await stateOf(rig, lease)]).toEqual([['a'], 'succeeded'])
  })

  it('is told when it commits by itself, and settles nothing', async () => {
    const rig = await rigWithEffects()
    const lease = await rig.lease()
    const settling = rig.store.settleWithin([lease], async ({ tx }) => {
      await tx.query(effect('a'))
      await tx.query('commit')
      return [complete(lease)]
    })
    await expect(settling).rejects.toMatchObject({ code: 'invalid_argument' })
    expect(await stateOf(rig, lease)).toBe('running')
  })

  it('does not store what follows from a settlement that it kept from happening', async () => {
    const rig = await rigWithEffects()
    const lease = await rig.lease()
    const following = rig.draft()
    const settling = rig.store.settleWithin([lease], async ({ tx }) => {
      await tx.query('commit')
      return [{ ...complete(lease), appends: [following] }]
    })
    await expect(settling).rejects.toMatchObject({ code: 'invalid_argument' })
    expect(await rig.store.reader.get([commandId(following.id, 0)])).toEqual([null])
  })

  it('runs no statement once it ended its transaction: each would commit by itself', async () => {
    const rig = await rigWithEffects()
    const lease = await rig.lease()
    const settling = rig.store.settleWithin([lease], async ({ tx }) => {
      await tx.query('rollback')
      await tx.query(effect('a'))
      return [complete(lease)]
    })
    await expect(settling).rejects.toMatchObject({ code: 'invalid_argument' })
    expect(await effects(rig)).toEqual([])
  })

  it('does not settle in another transaction than the one it began with', async () => {
    const rig = await rigWithEffects()
    const lease = await rig.lease()
    const settling = rig.store.settleWithin([lease], async ({ tx }) => {
      await tx.query('rollback; begin')
      await tx.query(effect('a'))
      return [complete(lease)]
    })
    await expect(settling).rejects.toMatchObject({ code: 'invalid_argument' })
    expect([await effects(rig), await stateOf(rig, lease)]).toEqual([[], 'running'])
  })

  it('notices another transaction even when nothing is settled', async () => {
    const rig = await rigWithEffects()
    const settling = rig.store.settleWithin([], async ({ tx }) => {
      await tx.query('commit; begin')
      await tx.query(effect('a'))
      return []
    })
    await expect(settling).rejects.toMatchObject({ code: 'invalid_argument' })
    expect(await effects(rig)).toEqual([])
  })

  it('says so when a statement failed and the handler went on', async () => {
    const rig = await rigWithEffects()
    const lease = await rig.lease()
    const settling = rig.store.settleWithin([lease], async ({ tx }) => {
      await tx.query(effect('a'))
      await tx.query('select 1 / 0').catch(() => {})
      return [complete(lease)]
    })
    await expect(settling).rejects.toMatchObject({ code: 'invalid_argument', fault: 'data' })
    expect([await effects(rig), await stateOf(rig, lease)]).toEqual([[], 'running'])
  })

  it('reports a constraint that is checked at the commit as a fault of the data', async () => {
    const rig = await rigWithEffects()
    await rig.rows(
      'create table @.later (id int, constraint only_once unique (id) deferrable initially deferred)',
    )
    const lease = await rig.lease()
    const settling = rig.store.settleWithin([lease], async ({ tx }) => {
      await tx.query('insert into later values (1), (1)')
      return [complete(lease)]
    })
    await expect(settling).rejects.toMatchObject({ fault: 'data' })
    expect(await stateOf(rig, lease)).toBe('running')
  })

  it('cannot be used once the call is over', async () => {
    const rig = await rigWithEffects()
    const kept: PoolClient[] = []
    await rig.store.settleWithin([], ({ tx }) => {
      kept.push(tx)
      return []
    })
    await expect(kept[0]?.query(effect('late'))).rejects.toMatchObject({ code: 'invalid_argument' })
    const heard = await new Promise((resolve) => kept[0]?.query('select 1', resolve))
    expect(heard).toMatchObject({ code: 'invalid_argument' })
    expect(await effects(rig)).toEqual([])
  })

  it('can neither be released nor ended', async () => {
    const rig = await rigWithEffects()
    const lease = await rig.lease()
    await rig.store.settleWithin([lease], async ({ tx }) => {
      expect(() => tx.release()).toThrow(/belongs to the settlement/)
      expect(() => (tx as unknown as { end(): void }).end()).toThrow(/belongs to the settlement/)
      await tx.query(effect('a'))
      return [complete(lease)]
    })
    expect(await effects(rig)).toEqual(['a'])
  })

  it('lets an error of PostgreSQL through with what kind of fault it is', async () => {
    const rig = await rigWithEffects()
    const failing = (sql: string) =>
      rig.store.settleWithin([], async ({ tx }) => {
        await tx.query(sql)
        return []
      })
    await rig.rows(`insert into @.effects values ('taken')`)
    await expect(failing(effect('taken'))).rejects.toMatchObject({ code: '23505', fault: 'data' })
    await expect(failing('select * from nowhere')).rejects.toMatchObject({ code: '42P01', fault: 'schema' })
    await expect(failing(`do $$ begin raise sqlstate '40P01'; end $$`)).rejects.toMatchObject({
      fault: 'transient',
    })
  })

  it('goes on after a savepoint undid what failed', async () => {
    const rig = await rigWithEffects()
    const lease = await rig.lease()
    await rig.rows(`insert into @.effects values ('taken')`)
    await rig.store.settleWithin([lease], async ({ tx, savepoint }: Scope) => {
      const tried = savepoint(async () => {
        await tx.query(effect('undone'))
        await tx.query(effect('taken'))
      })
      await expect(tried).rejects.toMatchObject({ code: '23505', fault: 'data' })
      await tx.query(effect('kept'))
      return [complete(lease)]
    })
    expect([await effects(rig), await stateOf(rig, lease)]).toEqual([['kept', 'taken'], 'succeeded'])
  })

  it('undoes everything when one lease is settled twice', async () => {
    const rig = await rigWithEffects()
    const lease = await rig.lease()
    const settling = rig.store.settleWithin([lease], async ({ tx }) => {
      await tx.query(effect('a'))
      return [complete(lease), { ...complete(lease), updates: [failed(0)] }]
    })
    await expect(settling).rejects.toMatchObject({ code: 'internal' })
    expect([await effects(rig), await stateOf(rig, lease)]).toEqual([[], 'running'])
  })

  it('does not keep heartbeats waiting, neither its own nor those of other chunks', async () => {
    const rig = await rigWithEffects()
    await rig.store.append([rig.draft(), rig.draft()])
    const [busy, other] = (await claimAll(rig.store)) as [Lease, Lease]
    await rig.store.settleWithin([busy], async () => {
      const beats = [busy, other].map(({ chunkId, token }) => ({ chunkId, token, updates: [], finished: [] }))
      expect(await rig.store.extend(beats, 60_000)).toEqual(['ok', 'ok'])
      return [complete(busy)]
    })
    expect(await rig.rows('select state from @.chunks order by seq')).toEqual([
      { state: 'done' },
      { state: 'leased' },
    ])
  })

  it('keeps its chunks from being taken over, although the lease expired', async () => {
    const rig = await rigWithEffects()
    const lease = await rig.lease()
    await rig.store.settleWithin([lease], async () => {
      await rig.clock.advance(60_000)
      expect(await claimAll(rig.store)).toEqual([])
      return [complete(lease)]
    })
    expect(await stateOf(rig, lease)).toBe('succeeded')
  })

  it('is ended by the database when it is idle for too long, and its chunk is free', async () => {
    const rig = await rigWithEffects({ idleTransactionMs: 50 })
    const lease = await rig.lease()
    const settling = rig.store.settleWithin([lease], async ({ tx }) => {
      const ended = new Promise((resolve) => tx.once('end', resolve))
      // On a busy machine it has been idle for too long before this.
      await tx.query(effect('a')).catch(() => {})
      await ended
      return [complete(lease)]
    })
    await expect(settling).rejects.toMatchObject({ code: 'store_unavailable' })
    await rig.clock.advance(60_000)
    const [taken] = await claimAll(rig.store)
    expect([taken?.chunkId, taken?.expiries, await effects(rig)]).toEqual([lease.chunkId, 1, []])
  })

  it('lets others submit into the partition it works on', async () => {
    const rig = await rigWithEffects()
    const lease = await rig.lease({ partition: 3 })
    await rig.store.settleWithin([lease], async () => {
      await rig.store.append([rig.draft({ partition: 3 })])
      return [complete(lease)]
    })
    expect(await claimAll(rig.store)).toHaveLength(1)
  })

  it('does not keep submits waiting when handlers use every connection they may', async () => {
    const rig = await rigWithEffects({ transactionsMax: 1, connectTimeoutMs: 20_000 })
    const order: string[] = []
    const second: Promise<unknown>[] = []
    await rig.store.settleWithin([], async () => {
      second.push(rig.store.settleWithin([], () => []).then(() => order.push('second')))
      await rig.store.append([rig.draft()])
      order.push('submitted')
      return []
    })
    await Promise.all(second)
    expect(order).toEqual(['submitted', 'second'])
  })

  it('leaves rows that others have locked to the deadlock detection of the server', async () => {
    const rig = await rigWithEffects()
    const session = await sessionOn(rig)
    await rig.rows(`insert into @.effects values ('one'), ('two')`)
    await session.query('begin')
    await session.query(`update effects set id = id where id = 'one'`)
    const settling = rig.store.settleWithin([], async ({ tx }) => {
      await tx.query(`update effects set id = id where id = 'two'`)
      const crossing = session.query(`update effects set id = id where id = 'two'`).catch(() => 'loses')
      await tx.query(`update effects set id = id where id = 'one'`)
      await crossing
      return []
    })
    const outcome = await settling.catch((error: unknown) => error)
    if (outcome instanceof Error) expect(outcome).toMatchObject({ fault: 'transient' })
    else expect(outcome).toEqual([])
  })
})

function failed(index: number) {
  return { index, state: 'failed' as const, attempts: 1, delayMs: 0, error: { code: 'e', message: 'm' } }
}
