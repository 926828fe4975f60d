// How the server finds what is read, promoted, pruned and cancelled: by an index each time, so that the cost follows what is
// found and not what is stored.

import { describe, expect, it } from 'vitest'
import { type MysqlRig, mysqlRig } from '../../../test/support/mysql-rig.js'
import { COMMAND_STATES } from '../../domain/index.js'
import { lockRowsSql } from './asked-commands.js'
import { familiesSql, rowsSql } from './commands.js'
import { LIVE_BY_QUEUE, ROWS_BY_QUEUE } from './counts.js'
import { lockCarriersSql } from './holders.js'
import { endOfChunksSql, matchingChunksSql } from './listed-chunks.js'
import { endOfRowsSql, kindsOf, matchingRowsSql } from './listed-rows.js'
import { anyDueSql, dueSql } from './promote.js'
import { deletionSql, endedSql } from './prune.js'

interface Step {
  readonly table: string
  readonly key: string | null
  readonly Extra: string
}

const CHUNKS = 1_500

/** Of the chunks some are done, most ready; each has a row of its own that is dead, retrying or scheduled. */
async function filled(): Promise<MysqlRig> {
  const rig = await mysqlRig()
  const later = rig.clock.now() + 1_000_000
  const states = ['dead', 'retrying', 'scheduled'] as const
  const drafts = Array.from({ length: CHUNKS }, (_, n) => {
    const state = states[n % 3] as (typeof states)[number]
    const parked = { state, nextAt: state === 'dead' ? null : later + n, attempts: 0, error: null } as const
    return rig.draft({
      queue: `queue-${n % 5}`,
      payloads: ['a', 'b'],
      parked: n % 2 === 0 ? [parked, parked] : null,
    })
  })
  await rig.store.append(drafts)
  await rig.store.promote({ limit: 1, chunkCommandsMax: 1, newChunkId: () => rig.draft().id })
  await rig.rows('analyze table spillway_chunks, spillway_parked, spillway_results, spillway_queues')
  return rig
}

const NOW = '1767225600000'
const CURSOR = { chunkId: '019b76daa80070008000000000000400', index: 1 }
const ID = '019b76daa80070008000000000000005'
const [DEAD = ''] = kindsOf('dead')
const REQUEST = { retentionMs: 1, failedRetentionMs: 1, limit: 100 }
const [ENDED_WELL, ENDED_BADLY] = endedSql(REQUEST, 100, NOW)

const PLANS: readonly [what: string, sql: string, keys: Record<string, string>][] = [
  ['anything due', anyDueSql(NOW), { spillway_parked: 'spillway_parked_due' }],
  ['what is due', dueSql(NOW, 100), { parked: 'spillway_parked_due' }],
  ['families that ended', ENDED_WELL, { spillway_chunks: 'spillway_chunks_ended' }],
  ['families that ended badly', ENDED_BADLY, { spillway_chunks: 'spillway_chunks_ended' }],
  ['families by id', familiesSql([ID]), { spillway_chunks: 'spillway_chunks_id' }],
  [
    'rows of commands',
    rowsSql([CURSOR, { chunkId: ID, index: 1 }]),
    { parked: 'PRIMARY', carriers: 'PRIMARY' },
  ],
  ['rows to be locked', lockRowsSql([CURSOR, { chunkId: ID, index: 1 }]), { parked: 'PRIMARY' }],
  ['carriers to be locked', lockCarriersSql([3, 4]), { spillway_chunks: 'PRIMARY' }],
  ['the end of a stretch of rows', endOfRowsSql(DEAD, CURSOR), { parked: 'spillway_parked_state' }],
  [
    'listed rows',
    matchingRowsSql(DEAD, { limit: 10 }, CURSOR, { chunkId: ID, index: 0 }, 10),
    { parked: 'spillway_parked_state', carriers: 'PRIMARY' },
  ],
  [
    'listed rows of a queue',
    matchingRowsSql(DEAD, { queue: 'queue-1', limit: 10 }, CURSOR, { chunkId: ID, index: 0 }, 10),
    { parked: 'spillway_parked_queue', carriers: 'PRIMARY' },
  ],
  ['the end of a stretch of chunks', endOfChunksSql(CURSOR), { spillway_chunks: 'spillway_chunks_id' }],
  ...[undefined, ...COMMAND_STATES].map((state): [string, string, Record<string, string>] => [
    `listed chunks (${state ?? 'any state'})`,
    matchingChunksSql({ ...(state === undefined ? {} : { state }), limit: 10 }, `${CURSOR.chunkId}~`, ID),
    { spillway_chunks: 'spillway_chunks_id' },
  ]),
]

describe('the server', () => {
  it('finds everything by its index, in the order in which it is wanted', async () => {
    const rig = await filled()
    for (const [what, sql, keys] of PLANS) {
      const steps = (await rig.rows(`explain ${sql}`)) as unknown as Step[]
      const used = Object.fromEntries(
        steps.filter(({ table }) => table in keys).map(({ table, key }) => [table, key]),
      )
      expect({ what, ...used }).toEqual({ what, ...keys })
      expect({ what, extras: steps.map(({ Extra }) => Extra).join() }).toEqual({
        what,
        extras: expect.not.stringMatching(/filesort|temporary/i),
      })
    }
  })

  it('counts what waits from the indexes alone', async () => {
    const rig = await filled()
    const rows = (await rig.rows(`explain ${ROWS_BY_QUEUE}`)) as unknown as Step[]
    const live = (await rig.rows(`explain ${LIVE_BY_QUEUE}`)) as unknown as Step[]
    const parked = rows.filter(({ table }) => table === 'parked')
    const chunks = live.filter(({ table }) => table === 'spillway_chunks')
    expect(parked.map(({ key }) => key)).toEqual(Array(10).fill('spillway_parked_queue'))
    expect(chunks.map(({ key }) => key)).toEqual(['spillway_chunks_ready', 'spillway_chunks_leased'])
    for (const { Extra } of [...parked, ...chunks]) expect(Extra).toContain('Using index')
  })

  it('removes families without looking at others', async () => {
    const rig = await filled()
    const families = await rig.rows('select seq, id, accepted from spillway_chunks order by seq limit 20')
    for (const sql of deletionSql(families as unknown as Parameters<typeof deletionSql>[0])) {
      const [step] = (await rig.rows(`explain ${sql}`)) as unknown as Step[]
      expect([sql, step?.key]).toEqual([sql, 'PRIMARY'])
    }
  })
})
