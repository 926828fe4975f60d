// The query planner on tables of some size: no statement of the write path reads more than it needs, with or without statistics.

import { describe, expect, it } from 'vitest'
import { type MysqlRig, mysqlRig } from '../../../test/support/mysql-rig.js'
import { expiredSql, readySql } from './claimable.js'
import { storedSql } from './closer-look.js'
import { FamilyChanges } from './families.js'
import { findSql } from './held-chunk.js'
import { agingKeys, keyRowsOf, lookupSql } from './keys.js'
import { isBlocked, unblock } from './partitions.js'
import { holdQueues } from './room.js'

interface Step {
  readonly table: string | null
  readonly type: string | null
  readonly key: string | null
  readonly Extra: string | null
}

async function explain(rig: MysqlRig, sql: string): Promise<Step[]> {
  return (await rig.rows(`explain ${sql}`)) as unknown as Step[]
}

/** Chunks in every state, some ordered. */
async function filled(): Promise<MysqlRig> {
  const rig = await mysqlRig()
  const types = ['work', 'other']
  const drafts = Array.from({ length: 400 }, (_, n) =>
    rig.draft({ type: types[n % 2] as string, partition: n % 10 === 0 ? n % 4 : null, keys: [`key ${n}`] }),
  )
  await rig.store.append(drafts)
  await rig.rows("update spillway_chunks set state = 'done', live = 0 where seq % 3 = 0")
  await rig.rows(
    "update spillway_chunks set state = 'leased', lease_expires_at = 5 where seq % 7 = 0 and state <> 'done'",
  )
  await rig.rows('analyze table spillway_chunks, spillway_keys_0, spillway_parked')
  return rig
}

const REQUEST = { queue: 'main', types: ['work'], chunksMax: 4, commandsMax: 9, leaseMs: 1, workerId: 'w' }

describe('the planner', () => {
  it('finds ready chunks in the order of the index, without sorting', async () => {
    const steps = await explain(await filled(), readySql(REQUEST, 'work'))
    expect(steps).toMatchObject([{ key: 'spillway_chunks_ready', type: 'ref' }])
    expect(steps[0]?.Extra).not.toContain('filesort')
  })

  it.each([
    ['expired leases', expiredSql(REQUEST, '10'), 'spillway_chunks_leased'],
    ['leased chunks by their ids', findSql(['a', 'b'], '0'), 'spillway_chunks_id'],
    ['chunks that were stored before', storedSql([{ id: 'a' }, { id: 'b' }]), 'spillway_chunks_id'],
    ['queues', holdQueues(['main', 'elsewhere']), 'PRIMARY'],
    [
      'keys',
      lookupSql('spillway_keys_0', "scope = 'work' and idempotency_key in ('key 1', 'key 2')", 0),
      'PRIMARY',
    ],
    [
      'chunks of a partition',
      `select ${isBlocked({ queue: 'main', partition: 1 })}`,
      'spillway_chunks_partition',
    ],
  ])('finds %s by the index made for them', async (_, sql, key) => {
    const steps = await explain(await filled(), sql)
    const onTables = steps.filter(({ table }) => table?.startsWith('spillway_'))
    expect(onTables.map((step) => step.key)).toEqual([key])
    expect(onTables.map(({ type }) => type)).not.toContain('ALL')
  })

  it('looks for each key of many, and reads none of the others', async () => {
    const rig = await filled()
    const draft = rig.draft({
      payloads: Array.from({ length: 1_000 }, () => 0),
      keys: Array.from({ length: 1_000 }, (_, n) => `new ${n}`),
    })
    const [source, ...more] = agingKeys(
      keyRowsOf([draft]),
      { generation: 1, windowMs: 1, agingUntil: 9 },
      '5',
    )
    expect(more).toHaveLength(1)
    expect(await explain(rig, `select 1 ${source}`)).toMatchObject([{ key: 'PRIMARY', type: 'range' }])
  })

  it('frees the next chunk of a partition without reading the others', async () => {
    const rig = await filled()
    const [find, free] = unblock({ queue: 'main', partition: 2 })
    const steps = await explain(rig, find.replace('set @spillway_oldest =', 'select'))
    expect(steps.map(({ Extra }) => Extra)).toEqual(
      steps.map(() => expect.stringMatching(/No tables used|optimized away|min.max row/i)),
    )
    expect(await explain(rig, free.replace('@spillway_oldest', '1'))).toMatchObject([
      { key: 'PRIMARY', type: 'range' },
    ])
  })

  it('counts rows into their families by id', async () => {
    const changes = new FamilyChanges()
    for (const id of ['a', 'b', 'c']) changes.moved(id, null, 'retrying')
    const [sql] = changes.statements('0')
    expect(await explain(await filled(), sql ?? '')).toMatchObject([
      { key: 'spillway_chunks_id', type: 'range' },
    ])
  })
})
