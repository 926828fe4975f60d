import { describe, expect, it } from 'vitest'
import { gatedRig, watch } from '../../test/support/channel-rig.js'
import { type PoolOptions, pool } from '../config/index.js'
import { BLOCKED_ITEMS_MAX } from './admission.js'

function gated(options: PoolOptions, commandOptions: Parameters<typeof gatedRig>[1] = {}) {
  return gatedRig(pool(options), commandOptions)
}

describe('pool rejection policies', () => {
  it('block: waits in line and in order, and gives up after the timeout', async () => {
    const rig = gated({ coreSize: 1, maxSize: 1, queueCapacity: 1, whenFull: 'block', blockTimeout: 50 })
    const answers = await rig.submitAll(1, 2, 3, 4)
    expect(answers.values.map((receipt) => receipt !== undefined)).toEqual([true, true, false, false])
    await rig.clock.advance(20)
    rig.gate.open()
    await rig.clock.advance(29)
    expect(answers.values[2]).toMatchObject({ status: 'accepted' })
    expect(answers.errors[3]).toBeUndefined()
    await rig.clock.advance(1)
    expect(answers.errors[3]).toBe('queue_full')
    rig.gate.open()
    await rig.clock.advance(0)
    expect(rig.gate.started).toEqual([1, 2, 3])
  })

  it('block: does not let a newcomer overtake the line', async () => {
    const rig = gated({ coreSize: 1, maxSize: 1, maxBytes: 100, whenFull: 'block' })
    await rig.submitAll(1, 'x'.repeat(80), 'y'.repeat(80), 'z')
    for (let round = 0; round < 4; round += 1) {
      rig.gate.open()
      await rig.clock.advance(0)
    }
    expect(rig.gate.ended.map((payload) => String(payload)[0])).toEqual(['1', 'x', 'y', 'z'])
  })

  it('block: the line is bounded too', async () => {
    const rig = gated({ coreSize: 1, maxSize: 1, queueCapacity: 1, whenFull: 'block' })
    const answers = await rig.submitAll(...Array.from({ length: BLOCKED_ITEMS_MAX + 3 }, (_, index) => index))
    expect(answers.errors.filter((code) => code !== undefined)).toEqual(['queue_full'])
    expect(answers.errors.at(-1)).toBe('queue_full')
  })

  it('block: two with one key in line become one command', async () => {
    const rig = gated(
      { coreSize: 1, maxSize: 1, queueCapacity: 1, whenFull: 'block' },
      { idempotencyKey: (job: unknown) => String(job) },
    )
    const answers = await rig.submitAll(1, 2, 'same', 'same')
    for (let round = 0; round < 4; round += 1) {
      rig.gate.open()
      await rig.clock.advance(0)
    }
    expect(answers.values.slice(2)).toMatchObject([{ status: 'accepted' }, { status: 'duplicate' }])
    expect(rig.gate.ended).toEqual([1, 2, 'same'])
  })

  it('discardOldest: drops what waited longest, tells by its id and counts it as lost', async () => {
    const rig = gated(
      { coreSize: 1, maxSize: 1, queueCapacity: 2, whenFull: 'discardOldest' },
      { idempotencyKey: (job: unknown) => String(job) },
    )
    const answers = await rig.submitAll(1, 2, 3, 4)
    expect(answers.errors).toEqual([undefined, undefined, undefined, undefined])
    const dropped = answers.values[1]?.id ?? ''
    expect(rig.channel.lookup(dropped)).toMatchObject({
      state: 'cancelled',
      attempts: 0,
      error: { code: 'discarded' },
    })
    expect(rig.recorded('attempt.finished')).toMatchObject([{ outcome: 'lost', count: 1 }])
    expect(rig.recorded('command.finished')).toMatchObject([{ outcome: 'cancelled', count: 1 }])
    expect((await rig.submitAll(2)).values).toMatchObject([{ status: 'accepted' }])
    for (let round = 0; round < 4; round += 1) {
      rig.gate.open()
      await rig.clock.advance(0)
    }
    expect(rig.gate.ended).toEqual([1, 4, 2])
  })

  it('discardOldest: drops nothing for a command that cannot fit, and rejects when nothing waits', async () => {
    const rig = gated({ coreSize: 1, maxSize: 1, maxBytes: 50, whenFull: 'discardOldest' })
    const answers = await rig.submitAll(1, 2, 'x'.repeat(60))
    expect(answers.errors).toEqual([undefined, undefined, 'queue_full'])
    expect(rig.recorded('attempt.finished')).toEqual([])
    const unqueued = gated({ coreSize: 1, maxSize: 1, queueCapacity: 0, whenFull: 'discardOldest' })
    expect((await unqueued.submitAll(1, 2)).errors).toEqual([undefined, 'queue_full'])
  })

  it('callerRuns: executes within the submit, whose receipt follows', async () => {
    const rig = gated({ coreSize: 1, maxSize: 1, queueCapacity: 0, whenFull: 'callerRuns' })
    const answers = await rig.submitAll(1, 2)
    expect(rig.gate.started).toEqual([2, 1])
    expect(answers.values[1]).toBeUndefined()
    rig.gate.open()
    await rig.clock.advance(0)
    expect(answers.values[1]).toMatchObject({ status: 'accepted', durability: 'executed' })
  })

  it('spill: hands over to the store, whose receipt it is', async () => {
    const rig = gated(
      { coreSize: 1, maxSize: 1, queueCapacity: 1, whenFull: 'spill' },
      { idempotencyKey: (job: unknown) => String(job) },
    )
    rig.faulting.appendMs = 5
    const answers = await rig.submitAll(1, 2, 3)
    expect(answers.values[2]).toBeUndefined()
    await rig.clock.advance(5)
    const spilled = answers.values[2]
    // The memory store is no safer than memory; what counts is that it has the command.
    expect(spilled).toMatchObject({ status: 'accepted', durability: 'memory' })
    expect(await rig.stored(spilled?.id ?? '')).toMatchObject({ state: 'accepted', payload: '3' })
    expect(rig.channel.lookup(spilled?.id ?? '')).toBeNull()
    expect((await rig.submitAll(3)).values).toMatchObject([{ status: 'duplicate', id: spilled?.id }])
  })

  it('spill: passes on what the store says', async () => {
    const rig = gated({ coreSize: 1, maxSize: 1, queueCapacity: 0, whenFull: 'spill' })
    rig.faulting.faults.push('refused')
    expect((await rig.submitAll(1, 2)).errors).toEqual([undefined, 'store_unavailable'])
  })

  it('is ready when the next command finds room, and with spill when the store does', async () => {
    const rig = gated({ coreSize: 1, maxSize: 1, queueCapacity: 1 })
    await rig.submitAll(1, 2)
    const ready = watch([rig.channel.ready().then(() => rig.gate.ended.length)])
    await rig.clock.advance(100)
    expect(ready.values).toEqual([undefined])
    rig.gate.open()
    await rig.clock.advance(0)
    expect(ready.values).toEqual([1])

    const spilling = gated({ coreSize: 1, maxSize: 1, queueCapacity: 0, whenFull: 'spill' })
    await spilling.submitAll(1)
    await spilling.channel.ready()
  })
})
