// What people and the query planner see of the tables.

import { describe, expect, it } from 'vitest'
import { complete, listening, sqliteRig } from '../../../test/support/sqlite-rig.js'
import { commandId } from '../../domain/index.js'

describe('the view spillway_commands', () => {
  it('shows every stored command with its payload and state', async () => {
    const rig = await sqliteRig()
    await rig.store.append([rig.draft({ payloads: ['first'], keys: ['k'] })])
    const lease = await rig.lease({ queue: 'other', payloads: [0, 1, 2, 3] })
    const error = { code: 'boom', message: 'no' }
    await rig.store.settle([
      {
        ...complete(lease),
        updates: [
          { index: 1, state: 'dead', attempts: 5, delayMs: 0, error },
          { index: 2, state: 'retrying', attempts: 1, delayMs: 1_000, error },
          { index: 3, state: 'succeeded', attempts: 1, delayMs: 0, error: null, result: '{"ok":1}' },
        ],
      },
    ])
    await rig.store.append([rig.draft({ payloads: [{ a: [1, 'ä'] }, 'first'], keys: [null, 'k'] })])
    expect(
      rig.rows(
        'select queue, state, payload, result, attempts from spillway_commands order by accepted_at, id',
      ),
    ).toEqual([
      { queue: 'main', state: 'accepted', payload: 'first', result: null, attempts: null },
      { queue: 'other', state: 'succeeded', payload: 0, result: null, attempts: null },
      { queue: 'other', state: 'dead', payload: 1, result: null, attempts: 5 },
      { queue: 'other', state: 'retrying', payload: 2, result: null, attempts: 1 },
      { queue: 'other', state: 'succeeded', payload: 3, result: '{"ok":1}', attempts: null },
      { queue: 'main', state: 'accepted', payload: '{"a":[1,"ä"]}', result: null, attempts: null },
    ])
  })

  it('says the same of a promoted command as the reader', async () => {
    const rig = await sqliteRig()
    const lease = await rig.lease({ payloads: [0, 1] })
    const retry = { state: 'retrying', attempts: 1, delayMs: 10, error: { code: 'e', message: 'm' } } as const
    await rig.store.settle([{ ...complete(lease), updates: [{ index: 1, ...retry }] }])
    await rig.clock.advance(10)
    await rig.store.promote({ limit: 10, chunkCommandsMax: 10, newChunkId: () => rig.draft().id })
    const id = commandId(lease.chunkId, 1)
    const states = [await stateOf(id)]
    await rig.store.claim({
      ...{ queue: 'main', types: ['work'], chunksMax: 1, commandsMax: 1, leaseMs: 1_000, workerId: 'w' },
    })
    states.push(await stateOf(id))
    expect(states).toEqual(['accepted', 'running'])

    async function stateOf(command: string): Promise<unknown> {
      const [view] = await rig.store.reader.get([command])
      expect(rig.rows(`select state from spillway_commands where id = '${command}'`)).toEqual([
        { state: view?.state },
      ])
      return view?.state
    }
  })
})

describe('the view of what waits in another stage', () => {
  it('has its own name while a chunk carries it, and the payload that was edited', async () => {
    const rig = await sqliteRig()
    const lease = await rig.lease({ payloads: ['a', 'b', 'c'] })
    const error = { code: 'e', message: 'm' }
    const ended = { state: 'dead', attempts: 1, delayMs: 0, error } as const
    await rig.store.settle([
      {
        ...complete(lease),
        updates: [
          { index: 0, state: 'pending', stage: 'poll', attempts: 1, delayMs: 0, error: null },
          { index: 1, ...ended, stage: 'compensate' },
          { index: 2, ...ended },
        ],
      },
    ])
    const ids = [0, 1, 2].map((index) => commandId(lease.chunkId, index))
    await rig.store.control.redrive(ids.slice(1), { payloads: ['{"b":[true]}', 'null'] })
    await rig.store.promote({ limit: 10, chunkCommandsMax: 10, newChunkId: () => rig.draft().id })
    expect(rig.rows('select state, payload from spillway_commands order by id')).toEqual([
      { state: 'pending', payload: 'a' },
      { state: 'compensating', payload: '{"b":[true]}' },
      { state: 'accepted', payload: null },
    ])
  })
})

describe('the query planner', () => {
  it('finds an index for every statement but those that count everything', async () => {
    const statements = new Set<string>()
    const rig = await sqliteRig({ wrap: (client) => listening(client, statements) })
    for (const state of ['accepted', 'running', 'succeeded', 'dead'] as const)
      await rig.store.reader.list({ state, limit: 1 })
    const plans = rig.connect()
    const scans: string[] = []
    let explained = 0
    for (const sql of statements) {
      if (!/^\s*(select|insert|update|delete|with)/.test(sql)) continue
      explained += 1
      const steps = plans.prepare(`explain query plan ${sql}`).all() as { detail: string }[]
      if (steps.some(({ detail }) => isTableScan(detail)))
        scans.push(sql.trim().replace(/\s+/g, ' ').slice(0, 60))
    }
    expect(explained).toBeGreaterThan(60)
    expect(scans.sort()).toEqual(['select (select coalesce(sum(accepted), 0) from spillway_chun'])
  })
})

/** Partial indexes hold what is waiting, and tables of JSON are small; of queues, nodes and roles there are few. */
function isTableScan(detail: string): boolean {
  return /^SCAN (spillway_(?!queues|nodes|roles)\w+|parked|chunks|origins|bodies|carriers|later|lower|head|first)$/.test(
    detail,
  )
}
