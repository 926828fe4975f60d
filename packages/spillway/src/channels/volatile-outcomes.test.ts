import { describe, expect, it } from 'vitest'
import { channelRig, command, type Rig, type RigOptions } from '../../test/support/channel-rig.js'
import type { AppendFault } from '../../test/support/faulting-store.js'
import { buffer, direct, pending, pool } from '../config/index.js'
import { completionTokenHash, failed, parseMemo, type Receipt, unknown } from '../domain/index.js'
import type { CallbackRoute, SettledEvent } from '../ports/index.js'
import { HUNG_GRACE_MS } from './executions.js'
import { PARK_TRIES_MAX } from './parking.js'

const TOKEN = 'a token that is long enough'

let chunks = 0
const callbackRoute: CallbackRoute = {
  ...{ queue: 'callbacks', type: 'told' },
  newChunkId: () => {
    chunks += 1
    return `f${chunks}`.padStart(32, '0')
  },
}
const callbackOf: RigOptions['callbackOf'] = (_, { payload }, { state }) => JSON.stringify({ payload, state })
const callback = () => 'https://upstream.example'

/** Submits one command and lets everything happen that can happen now. */
async function submitted(rig: Rig, payload: unknown): Promise<Receipt> {
  const receipt = rig.submit(payload)
  await rig.clock.advance(0)
  return receipt
}

describe('a command that a volatile channel executes', () => {
  it('is parked with everything that its next turn needs', async () => {
    const rig = channelRig(direct(), [
      command('job', {
        handle: (payload) =>
          payload === 'doubt' ? unknown('no answer') : pending({ token: TOKEN, deadline: '1h' }),
        reconcile: () => ({ reconciled: 'notApplied' }),
      }),
    ])
    const doubted = await submitted(rig, 'doubt')
    const waiting = await submitted(rig, 'wait')
    expect(await rig.stored(doubted.id)).toMatchObject({
      state: 'reconciling',
      stage: 'reconcile',
      attempts: 1,
    })
    const view = await rig.stored(waiting.id)
    expect(view).toMatchObject({ state: 'pending', stage: 'poll' })
    expect(parseMemo(view?.memo ?? null).tokenHash).toBe(completionTokenHash(TOKEN))
    expect((await rig.store.reader.waiting(completionTokenHash(TOKEN)))?.view.id).toBe(waiting.id)
  })

  it('is undone like any other', async () => {
    const rig = channelRig(direct(), [
      command('job', { handle: () => failed('no stock'), compensate: () => undefined }),
    ])
    const { id } = await submitted(rig, 1)
    expect(await rig.stored(id)).toMatchObject({ state: 'compensating', stage: 'compensate' })
  })

  it('ends dead, to be asked about, when its handler never returns', async () => {
    const rig = channelRig(pool({ coreSize: 1, maxSize: 1 }), [
      command('job', {
        timeout: 1_000,
        handle: () => new Promise(() => {}),
        reconcile: () => ({ reconciled: 'notApplied' }),
      }),
    ])
    const { id } = await submitted(rig, 1)
    await rig.clock.advance(1_000 + HUNG_GRACE_MS + 2_000)
    expect(await rig.stored(id)).toMatchObject({
      state: 'dead',
      stage: 'reconcile',
      error: { code: 'handler_timeout' },
    })
  })
})

describe('callbacks about commands in memory', () => {
  const told = async (rig: Rig): Promise<readonly unknown[]> => {
    const { items } = await rig.store.reader.list({ queue: 'callbacks', limit: 100 })
    const stored = await rig.store.reader.get(
      items.map(({ id }) => id),
      { payload: true },
    )
    return stored.map((view) => JSON.parse(view?.payload ?? 'null'))
  }

  it('are stored when they succeed, and with those that are parked', async () => {
    const rig = channelRig(
      direct(),
      [command('job', { callback, handle: (payload) => (payload === 2 ? failed('no') : undefined) })],
      { callbackOf, callbackRoute },
    )
    await submitted(rig, 1)
    await submitted(rig, 2)
    expect(await told(rig)).toEqual(
      expect.arrayContaining([
        { payload: 1, state: 'succeeded' },
        { payload: 2, state: 'failed' },
      ]),
    )
    // The parked command and its callback in one commit.
    expect(rig.faulting.appendedAt).toHaveLength(2)
  })

  it('of one batch share an append', async () => {
    const rig = channelRig(
      buffer({ flush: { size: 3, every: '1s' } }),
      [command('job', { callback, handleBatch: () => undefined })],
      { callbackOf, callbackRoute },
    )
    await Promise.all([rig.submit(1), rig.submit(2), rig.submit(3)])
    await rig.clock.advance(0)
    expect(await told(rig)).toHaveLength(3)
    expect(rig.faulting.appendedAt).toHaveLength(1)
  })

  it('that the store cannot take for long are lost, and said to be', async () => {
    const rig = channelRig(direct(), [command('job', { callback, handle: () => undefined })], {
      callbackOf,
      callbackRoute,
    })
    rig.faulting.faults.push(...Array<AppendFault>(PARK_TRIES_MAX).fill('refused'))
    const done = rig.submit(1)
    await rig.clock.advance(60_000)
    expect((await done).status).toBe('accepted')
    expect(rig.recorded('fault').at(-1)).toMatchObject({
      error: { message: '1 callbacks could not be stored and are lost' },
    })
  })
})

describe('listeners of commands in memory', () => {
  it('hear of their ends, and of what is parked once it is stored', async () => {
    const events: SettledEvent[] = []
    const listener = {
      listening: () => true,
      settled: (some: readonly SettledEvent[]) => void events.push(...some),
    }
    const rig = channelRig(
      direct(),
      [command('job', { handle: (payload) => (payload === 2 ? failed('no') : 7) })],
      { listener },
    )
    const ids = [await submitted(rig, 1), await submitted(rig, 2)].map(({ id }) => id)
    const of = { type: 'job', queue: 'lane', attempts: 1 }
    expect(events).toEqual([
      { ...of, id: ids[0], state: 'succeeded', error: null, result: '7' },
      { ...of, id: ids[1], state: 'failed', error: { code: 'failed', message: 'no' } },
    ])
  })
})

describe('steps of commands in memory', () => {
  it('are forgotten when they succeed', async () => {
    const rig = channelRig(direct(), [command('job', { handle: (_, { step }) => step('a', () => 1) })])
    await submitted(rig, 1)
    await rig.clock.advance(0)
    expect(await rig.store.shared.keys('spillway.steps/', 10)).toEqual([])
  })
})
