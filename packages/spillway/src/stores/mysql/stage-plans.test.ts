// What is asked about tenants, ordering keys, tokens and failures: the server reads what is found and not what is stored, which is
// counted here, because its plans do not say where a scan stops.

import type { Connection, RowDataPacket } from 'mysql2/promise'
import { describe, expect, it } from 'vitest'
import { type MysqlRig, mysqlRig } from '../../../test/support/mysql-rig.js'
import type { ParkedDraft, RowState } from '../../domain/index.js'
import { blockersSql } from './blockers.js'
import { oldestReadySql, precedencesScan, readySql } from './claimable.js'
import { groupsSql, sampleSql } from './error-groups.js'
import { blockedKeysSql, firstBlockedSql, holdersSql, lockBlockedSql } from './let-go.js'
import { ANY_BLOCKED } from './promote.js'
import { tenantsScan } from './ready-tenants.js'
import { jumpsSql } from './skip-scan.js'
import { waitingSql } from './waiting.js'

const REQUEST = { queue: 'main', types: ['work'], chunksMax: 4, commandsMax: 9, leaseMs: 1, workerId: 'w' }
const KEY = { queue: 'main', partition_no: 1, ordering_key: 'k1' }
const TENANTS = 6
const PRIORITIES = 3
const CHUNKS = 600
/** Per partition and key. */
const BLOCKED = 1_500

/** Chunks of some tenants in some priorities, and in two partitions very many commands blocked on two keys behind a dead one. */
async function filled(): Promise<MysqlRig> {
  const rig = await mysqlRig()
  const drafts = Array.from({ length: CHUNKS }, (_, n) =>
    rig.draft({ tenant: `tenant ${n % TENANTS}`, priority: n % PRIORITIES }),
  )
  await rig.store.append(drafts)
  for (const partition of [0, 1]) {
    const first = parked('dead', 'k1', { fingerprint: 'alike', completion: null })
    const behind = Array.from({ length: 2 * BLOCKED }, (_, n) => parked('blocked', `k${n % 2}`))
    const list = [first, ...behind]
    await rig.store.append([rig.draft({ partition, parked: list, payloads: list.map(() => 0) })])
  }
  await rig.rows('analyze table spillway_chunks, spillway_parked')
  return rig
}

function parked(state: RowState, orderingKey: string, notes: Partial<ParkedDraft> = {}): ParkedDraft {
  return { state, nextAt: null, attempts: 0, error: null, orderingKey, ...notes }
}

/** Rows of indexes and tables that the server reads for the statements. */
async function readsOf(connection: Connection, statements: readonly string[]): Promise<number> {
  await connection.query('flush status')
  for (const statement of statements) await connection.query(statement)
  const [rows] = await connection.query<RowDataPacket[]>(
    "show session status where variable_name in ('handler_read_key', 'handler_read_next', 'handler_read_first', 'handler_read_last', 'handler_read_prev')",
  )
  return rows.reduce((sum, { Value }) => sum + Number(Value), 0)
}

describe('the server reads', () => {
  it('what is asked for, however much there is beside it', async () => {
    const rig = await filled()
    const connection = await rig.connect()
    const ofTenant = { ...REQUEST, tenant: 'tenant 3' }
    const perTenant = 4 * TENANTS * PRIORITIES
    const asked: readonly [what: string, statements: readonly string[], readsMax: number][] = [
      ['tenants', jumpsSql(tenantsScan('main', 'work'), null, 64), perTenant],
      ['priorities', jumpsSql(precedencesScan(REQUEST, 'work'), null, 16), 4 * PRIORITIES],
      ['priorities of a tenant', jumpsSql(precedencesScan(ofTenant, 'work'), null, 16), 4 * PRIORITIES],
      ['chunks of a tenant', [readySql(ofTenant, 'work')], 10],
      ['its oldest chunks', [oldestReadySql(ofTenant, 'work', 0)], 10],
      ['the oldest chunks', [oldestReadySql(REQUEST, 'work', -1)], 10],
      ['whether anything is blocked', [ANY_BLOCKED], 4],
      // What is grouped is read, and looked up in a small table of its own.
      ['a window of blocked rows', [blockedKeysSql(null, 500)], 1_100],
      ['what is behind the last key', [blockedKeysSql(KEY, 500)], 10],
      ['the first blocked of a key', [firstBlockedSql(KEY, 10)], 20],
      ['what holds up two keys', [holdersSql([KEY, { ...KEY, partition_no: 0 }])], 50],
      ['what holds up a partition', [blockersSql({ seq: 1, queue: 'main', partition: 1 })], 2_200],
    ]
    for (const [what, statements, readsMax] of asked) {
      expect(await readsOf(connection, statements), what).toBeLessThan(readsMax)
    }
  })

  it('what has an index by that', async () => {
    const rig = await filled()
    const group = { fingerprint: 'alike', type: 'work', queue: 'main', count: 1, firstAt: 0, lastAt: 0 }
    const places = [
      { chunkId: 'a', index: 1 },
      { chunkId: 'b', index: 1 },
    ]
    const asked: readonly [sql: string, key: string][] = [
      [lockBlockedSql(places), 'PRIMARY'],
      [waitingSql(['a', 'b'], '0'), 'spillway_parked_token'],
      [groupsSql({ state: 'dead', limit: 5 }), 'spillway_parked_alike'],
      [sampleSql('dead', group), 'spillway_parked_alike'],
    ]
    for (const [sql, key] of asked) {
      const steps = await rig.rows(`explain ${sql}`)
      expect([sql, ...steps.map((step) => step.key)]).toEqual([sql, key])
      expect(steps.map(({ type }) => type)).not.toContain('ALL')
    }
  })
})

describe('tenants with something ready', () => {
  it('are found, each once and the oldest first, however many there are', async () => {
    const rig = await mysqlRig()
    const drafts = Array.from({ length: 300 }, (_, n) =>
      rig.draft({ tenant: `tenant ${(n * 7) % 150}`, type: `type ${n % 2}` }),
    )
    await rig.store.append(drafts)
    const found = await rig.store.readyTenants('main', ['type 0', 'type 1', 'type 0'], 1_000)
    expect(found.map(({ tenant }) => tenant)).toEqual([...new Set(drafts.map(({ tenant }) => tenant))])
    expect(await rig.store.readyTenants('main', ['type 0'], 2)).toEqual(
      found.filter((_, n) => n % 2 === 0).slice(0, 2),
    )
  })
})
