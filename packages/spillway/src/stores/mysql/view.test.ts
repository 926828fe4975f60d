// The view for people shows what the reader shows.

import { describe, expect, it } from 'vitest'
import { type MysqlRig, mysqlRig } from '../../../test/support/mysql-rig.js'
import { type CommandUpdate, commandId, type UpdateState } from '../../domain/index.js'

const ERROR = { code: 'e', message: 'm' }

describe('the view spillway_commands', () => {
  it('shows every command in the state that the reader says', async () => {
    const rig = await mysqlRig()
    const lease = await rig.lease({
      payloads: ['failed', 'retrying', 'again', 'finished', 'with a value', 'rest'],
    })
    const { chunkId, token } = lease
    const retrying = (index: number, delayMs: number): CommandUpdate => ({
      ...{ index, state: 'retrying', attempts: 1, delayMs, error: ERROR },
    })
    const updates: CommandUpdate[] = [
      { index: 0, state: 'failed', attempts: 1, delayMs: 0, error: ERROR },
      retrying(1, 60_000),
      retrying(2, 0),
      { index: 4, state: 'succeeded', attempts: 1, delayMs: 0, error: null, result: '{"v":1}' },
    ]
    await rig.store.settle([{ chunkId, token, updates, finished: [3], complete: true }])
    await rig.store.promote({ limit: 10, chunkCommandsMax: 10, newChunkId: () => rig.draft().id })
    const running = await rig.lease({ payloads: [{ a: [1, 'x'] }, 'done in part'], queue: 'other' })
    await rig.store.extend(
      [{ chunkId: running.chunkId, token: running.token, updates: [], finished: [1] }],
      1,
    )
    const waiting = rig.draft({ payloads: ['w', 'cancelled'] })
    const later = rig.draft({
      payloads: ['later'],
      parked: [{ state: 'scheduled', nextAt: rig.clock.now() + 1_000, attempts: 0, error: null }],
    })
    await rig.store.append([waiting, later])
    await rig.store.control.cancel([commandId(waiting.id, 1)])
    await staged(rig)

    const rows = await rig.rows(
      'select id, type, queue, state, priority, accepted_at, next_at, stage, memo, fingerprint, cast(result as char) as result, cast(payload as char) as payload from spillway_commands order by id',
    )
    const { items } = await rig.store.reader.list({ limit: 100 })
    const views = await rig.store.reader.get(items.map(({ id }) => id).toSorted(), { payload: true })
    expect(rows).toHaveLength(17)
    expect(new Set(rows.map(({ state }) => state)).size).toBe(12)
    expect(rows.map(({ payload, ...row }) => ({ ...row, payload: jsonOf(payload) }))).toEqual(
      views.map((view) => ({
        id: view?.id,
        type: view?.type,
        queue: view?.queue,
        state: view?.state,
        priority: view?.priority,
        accepted_at: view?.acceptedAt,
        next_at: view?.nextAt,
        stage: view?.stage,
        memo: view?.memo,
        fingerprint: view?.fingerprint,
        result: view?.result,
        payload: jsonOf(view?.payload),
      })),
    )
  })

  it('leaves out what was not stored, and chunks that only carry', async () => {
    const rig = await mysqlRig()
    await rig.store.append([rig.draft({ payloads: ['p'], keys: ['k'] })])
    const repeat = rig.draft({ payloads: ['p', 'q'], keys: ['k', null] })
    await rig.store.append([repeat])
    const rows = await rig.rows(
      'select id, cast(payload as char) as payload from spillway_commands where queue = "main" order by id',
    )
    expect(rows.map(({ payload }) => jsonOf(payload))).toEqual(['p', 'q'])
    expect(rows[1]?.id).toBe(commandId(repeat.id, 1))
  })
})

/** Commands that wait for something else than to be run, in their rows and in chunks that carry them, and one that was edited. */
async function staged(rig: MysqlRig): Promise<void> {
  const outcomes: readonly (readonly [UpdateState, Partial<CommandUpdate>])[] = [
    ['reconciling', { stage: 'reconcile', delayMs: 60_000, memo: '{"reconciliations":1}' }],
    ['pending', { stage: 'poll' }],
    ['compensating', { stage: 'compensate' }],
    ['blocked', {}],
    ['compensated', { stage: 'compensate' }],
    ['dead', { fingerprint: 'alike' }],
  ]
  const { chunkId, token } = await rig.lease({ queue: 'staged', payloads: outcomes.map(([state]) => state) })
  const updates = outcomes.map(([state, notes], index): CommandUpdate => {
    return { index, state, attempts: 1, delayMs: 0, error: ERROR, ...notes }
  })
  await rig.store.settle([{ chunkId, token, updates, finished: [], complete: true }])
  await rig.store.promote({ limit: 10, chunkCommandsMax: 10, newChunkId: () => rig.draft().id })
  await rig.store.control.redrive([commandId(chunkId, 5)], { payloads: ['{"edited":"ü"}'] })
}

/** MySQL writes JSON its own way. */
function jsonOf(value: unknown): unknown {
  return JSON.parse(String(value))
}
