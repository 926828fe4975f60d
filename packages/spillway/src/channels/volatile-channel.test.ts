import { describe, expect, it } from 'vitest'
import { channelRig, command, Gate, gatedRig, watch } from '../../test/support/channel-rig.js'
import { type PoolOptions, pool } from '../config/index.js'
import { failed, retry } from '../domain/index.js'
import type { SpillwayError } from '../errors/index.js'
import { HUNG_GRACE_MS } from './executions.js'
import { PARK_TRIES_MAX } from './parking.js'

function gated(options: PoolOptions, commandOptions: Parameters<typeof gatedRig>[1] = {}) {
  return gatedRig(pool(options), commandOptions)
}

describe('what a volatile channel could not execute', () => {
  it('is parked in the store under its own id, as the policy decided', async () => {
    const outcomes: Record<string, () => unknown> = {
      refused: () => failed('no such account'),
      later: () => retry('busy', { afterMs: 5_000 }),
      broken: () => {
        throw new Error('boom')
      },
      fine: () => 'value',
    }
    const rig = channelRig(pool({ coreSize: 4 }), [
      command('job', {
        handle: (payload) => outcomes[payload as string]?.(),
        retry: { attempts: 3, backoff: { delay: 100, jitter: 'none' } },
      }),
    ])
    const names = Object.keys(outcomes)
    const answers = watch(names.map((name) => rig.submit(name)))
    const now = rig.clock.now()
    await rig.clock.advance(0)
    const [refused, later, broken, fine] = answers.values.map((receipt) => receipt?.id ?? '') as [
      string,
      string,
      string,
      string,
    ]
    expect(await rig.stored(refused)).toMatchObject({
      state: 'failed',
      attempts: 1,
      error: { message: 'no such account' },
      payload: '"refused"',
    })
    expect(await rig.stored(later)).toMatchObject({ state: 'retrying', nextAt: now + 5_000, attempts: 1 })
    expect(await rig.stored(broken)).toMatchObject({
      state: 'retrying',
      nextAt: now + 100,
      attempts: 1,
      error: { message: 'boom' },
    })
    expect([refused, later, broken].map((id) => rig.channel.lookup(id))).toEqual([null, null, null])
    expect(await rig.stored(fine)).toBeNull()
    expect(rig.channel.lookup(fine)).toMatchObject({ state: 'succeeded', attempts: 1, result: '"value"' })
    expect(rig.faulting.appendedAt).toHaveLength(1)
  })

  it('tells the state of a command that waits or runs', async () => {
    const rig = gated({ coreSize: 1, maxSize: 1 })
    const answers = await rig.submitAll(1, 2)
    const [running, waiting] = answers.values.map((receipt) => receipt?.id ?? '') as [string, string]
    expect(rig.channel.lookup(running)).toMatchObject({ state: 'running', type: 'job', finishedAt: null })
    expect(rig.channel.lookup(waiting)).toMatchObject({ state: 'accepted', acceptedAt: rig.clock.now() })
    expect(rig.channel.lookup('0-0')).toBeNull()
  })

  it('is parked once the store works again, and its slot waits for that', async () => {
    const gate = new Gate()
    const rig = channelRig(pool({ coreSize: 1, maxSize: 1 }), [
      command('job', {
        handle: async (payload) => {
          await gate.handle(payload)
          if (payload === 1) throw new Error('boom')
        },
      }),
    ])
    rig.faulting.faults.push('refused', 'lost answer', 'refused')
    const answers = watch([rig.submit(1), rig.submit(2)])
    await rig.clock.advance(0)
    gate.open()
    await rig.clock.advance(100)
    expect(gate.started).toEqual([1])
    expect(rig.channel.lookup(answers.values[0]?.id ?? '')).toMatchObject({ state: 'running' })
    await rig.clock.advance(1_000)
    expect(await rig.stored(answers.values[0]?.id ?? '')).toMatchObject({ state: 'retrying' })
    expect(await rig.store.reader.accounting()).toMatchObject({ accepted: 1 })
    expect(gate.started).toEqual([1, 2])
    expect(rig.recorded('fault')).toHaveLength(3)
  })

  it('is reported as lost when the store fails for too long, and the pool goes on', async () => {
    const rig = channelRig(pool({ coreSize: 1, maxSize: 1 }), [
      command('job', {
        handle: (payload) => {
          if (payload === 1) throw new Error('boom')
        },
      }),
    ])
    rig.faulting.faults.push(...Array.from({ length: PARK_TRIES_MAX }, () => 'refused' as const))
    const answers = watch([rig.submit(1), rig.submit(2)])
    await rig.clock.advance(60_000)
    const id = answers.values[0]?.id ?? ''
    expect(rig.faulting.appendedAt).toEqual([0, 50, 150, 350, 750, 1_550, 3_150, 6_350])
    expect(rig.channel.lookup(id)).toMatchObject({ state: 'dead', error: { code: 'store_unavailable' } })
    expect(rig.recorded('attempt.finished').filter(({ outcome }) => outcome === 'lost')).toMatchObject([
      { count: 1 },
    ])
    expect(rig.recorded('command.exception').at(-1)).toMatchObject({
      commandId: id,
      state: 'dead',
      errorCode: 'store_unavailable',
    })
    expect(rig.channel.lookup(answers.values[1]?.id ?? '')).toMatchObject({ state: 'succeeded' })
  })

  it('gives up a handler that never returns, parks its command as dead and frees the slot', async () => {
    const started: unknown[] = []
    const rig = channelRig(pool({ coreSize: 1, maxSize: 1 }), [
      command('job', {
        timeout: '1s',
        handle: (payload) => {
          started.push(payload)
          return payload === 1 ? new Promise(() => {}) : undefined
        },
      }),
    ])
    const answers = watch([rig.submit(1), rig.submit(2)])
    await rig.clock.advance(HUNG_GRACE_MS)
    expect(started).toEqual([1])
    await rig.clock.advance(2_000)
    expect(started).toEqual([1, 2])
    expect(await rig.stored(answers.values[0]?.id ?? '')).toMatchObject({
      state: 'dead',
      attempts: 1,
      error: { code: 'handler_timeout' },
    })
  })

  it('ignores what a handler says after it was given up', async () => {
    const gate = new Gate()
    const late = async (payload: unknown): Promise<void> => {
      await gate.handle(payload)
      throw new Error('too late')
    }
    const rig = channelRig(pool({ coreSize: 1 }), [command('job', { timeout: '1s', handle: late })])
    const answers = watch([rig.submit(1)])
    await rig.clock.advance(HUNG_GRACE_MS + 2_000)
    expect(rig.faulting.appendedAt).toHaveLength(1)
    gate.open()
    await rig.clock.advance(1_000)
    expect(rig.faulting.appendedAt).toHaveLength(1)
    expect(await rig.stored(answers.values[0]?.id ?? '')).toMatchObject({ state: 'dead' })
    expect(rig.channel.lookup(answers.values[0]?.id ?? '')).toBeNull()
  })

  it('is dead when the executor itself fails or answers for another number of commands', async () => {
    const broken = {
      ...{ executeWithin: () => [], conclude: () => [], landed: () => {} },
      ...{ forget: () => {}, close: async () => {} },
    }
    for (const execute of [() => Promise.reject(new Error('bug')), () => Promise.resolve([])]) {
      const rig = channelRig(pool(), [command('job', { handle: () => {} })], {
        executor: { ...broken, execute },
      })
      const answers = watch([rig.submit(1)])
      await rig.clock.advance(0)
      expect(await rig.stored(answers.values[0]?.id ?? '')).toMatchObject({
        state: 'dead',
        error: { code: 'internal' },
      })
      expect(rig.recorded('fault')).toHaveLength(1)
    }
  })
})

describe('closing a volatile channel', () => {
  it('drains: resolves when everything that waits has run', async () => {
    const rig = gated({ coreSize: 1, maxSize: 1 })
    await rig.submitAll(1, 2)
    const drained = watch([rig.channel.drain().then(() => [...rig.gate.ended])])
    rig.gate.open()
    await rig.clock.advance(0)
    expect(drained.values).toEqual([undefined])
    rig.gate.open()
    await rig.clock.advance(0)
    expect(drained.values).toEqual([[1, 2]])
    await rig.channel.drain()
  })

  it('takes nothing more, refuses the line, and runs what it took', async () => {
    const rig = gated({ coreSize: 1, maxSize: 1, queueCapacity: 1, whenFull: 'block' })
    const answers = await rig.submitAll(1, 2, 3)
    const closed = watch([rig.channel.close().then(() => [...rig.gate.ended])])
    const late = await rig.submitAll(4)
    expect([answers.errors[2], late.errors[0]]).toEqual(['closed', 'closed'])
    rig.gate.open()
    await rig.clock.advance(0)
    rig.gate.open()
    await rig.clock.advance(0)
    expect(closed.values).toEqual([[1, 2]])
    expect(rig.faulting.appendedAt).toEqual([])
  })

  it('parks what still waits when the time is up, and what its aborted handler leaves undone', async () => {
    const rig = channelRig(
      pool({ coreSize: 1, maxSize: 1 }),
      [
        command('job', {
          handle: (_, { signal }) =>
            new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
        }),
      ],
      { closeTimeoutMs: 200 },
    )
    const answers = watch([rig.submit(1), rig.submit(2), rig.submit(3)])
    await rig.clock.advance(0)
    const closed = watch([rig.channel.close().then(() => rig.clock.monotonic())])
    await rig.clock.advance(199)
    expect(closed.values).toEqual([undefined])
    await rig.clock.advance(1)
    const ids = answers.values.map((receipt) => receipt?.id ?? '')
    const states = (await rig.store.reader.get(ids)).map((view) => [view?.state, view?.attempts])
    expect(states).toEqual([
      ['retrying', 1],
      ['scheduled', 0],
      ['scheduled', 0],
    ])
    expect(closed.values).toEqual([200])
  })

  it('ends even when a handler ignores that it was aborted', async () => {
    const rig = channelRig(pool({ coreSize: 1 }), [command('job', { handle: () => new Promise(() => {}) })], {
      closeTimeoutMs: 200,
    })
    const answers = watch([rig.submit(1)])
    await rig.clock.advance(0)
    const closed = watch([rig.channel.close().then(() => 'closed')])
    await rig.clock.advance(200 + HUNG_GRACE_MS + 1_000)
    expect(closed.values).toEqual(['closed'])
    expect(await rig.stored(answers.values[0]?.id ?? '')).toMatchObject({
      state: 'dead',
      error: { code: 'handler_timeout' },
    })
  })

  it('refuses with an error that can be tried elsewhere', async () => {
    const rig = gated({})
    await rig.channel.close()
    const error = await rig.submit(1).catch((cause: SpillwayError) => cause)
    expect(error).toMatchObject({ code: 'closed', retryable: true })
  })
})
