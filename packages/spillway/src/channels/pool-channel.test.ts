import { describe, expect, it } from 'vitest'
import { channelRig, command, gatedRig, watch } from '../../test/support/channel-rig.js'
import { type PoolOptions, pool } from '../config/index.js'

function gated(options: PoolOptions, commandOptions: Parameters<typeof gatedRig>[1] = {}) {
  return gatedRig(pool(options), commandOptions)
}

describe('pool channel', () => {
  it('runs up to its core size, then queues, then opens slots for what found the queue full, then rejects', async () => {
    const rig = gated({ coreSize: 2, maxSize: 4, queueCapacity: 3, whenFull: 'abort' })
    const answers = await rig.submitAll(1, 2, 3, 4, 5, 6, 7, 8)
    expect(rig.gate.started).toEqual([1, 2, 6, 7])
    expect(answers.errors.map((code) => code ?? 'accepted')).toEqual([
      ...Array(7).fill('accepted'),
      'queue_full',
    ])
    expect(answers.values[0]).toMatchObject({ status: 'accepted', durability: 'memory', type: 'job' })
    expect(rig.recorded('pool.state').at(-1)).toMatchObject({ active: 4, limit: 4, queued: 3 })
    rig.gate.open()
    await rig.clock.advance(0)
    expect(rig.gate.started).toEqual([1, 2, 6, 7, 3, 4, 5])
    expect(rig.gate.running).toBe(3)
  })

  it('gives the receipt before the handler runs', async () => {
    const order: string[] = []
    const rig = channelRig(pool(), [command('job', { handle: () => void order.push('handler') })])
    void rig.submit(1).then(() => order.push('receipt'))
    await rig.clock.advance(0)
    expect(order).toEqual(['receipt', 'handler'])
  })

  it('closes extra slots once the queue is empty', async () => {
    const rig = gated({ coreSize: 1, maxSize: 3, queueCapacity: 1 })
    await rig.submitAll(1, 2, 3, 4)
    expect(rig.gate.running).toBe(3)
    rig.gate.open()
    await rig.clock.advance(0)
    rig.gate.open()
    await rig.clock.advance(0)
    const later = await rig.submitAll(5, 6)
    expect(rig.gate.running).toBe(1)
    expect(later.errors).toEqual([undefined, undefined])
  })

  it('works without a queue at all', async () => {
    const rig = gated({ coreSize: 1, maxSize: 2, queueCapacity: 0 })
    const answers = await rig.submitAll(1, 2, 3)
    expect(rig.gate.started).toEqual([1, 2])
    expect(answers.errors).toEqual([undefined, undefined, 'queue_full'])
  })

  it('starts waiting commands in the order they came', async () => {
    const rig = gated({ coreSize: 1, maxSize: 1, queueCapacity: 100 })
    const payloads = Array.from({ length: 50 }, (_, index) => index)
    await rig.submitAll(...payloads)
    for (let rounds = 0; rounds < payloads.length; rounds += 1) {
      rig.gate.open()
      await rig.clock.advance(0)
    }
    expect(rig.gate.ended).toEqual(payloads)
  })

  it('bounds the bytes that wait', async () => {
    const rig = gated({ coreSize: 1, maxSize: 1, maxBytes: 100 })
    const answers = await rig.submitAll('running'.padEnd(500), 'x'.repeat(60), 'x'.repeat(60), 'x'.repeat(30))
    expect(answers.errors).toEqual([undefined, undefined, 'queue_full', undefined])
  })

  it('takes the payload as it was when it was submitted', async () => {
    const rig = gated({ coreSize: 1 })
    const payload = { value: 'before' }
    watch([rig.submit(payload)])
    payload.value = 'after'
    await rig.clock.advance(0)
    expect(rig.gate.started).toEqual([{ value: 'before' }])
  })

  it('gives a batch handler what waits of its type, up to its size, in one call', async () => {
    const calls: unknown[][] = []
    let release = (): void => {}
    const rig = channelRig(pool({ coreSize: 1, maxSize: 1 }), [
      command('bulk', {
        batch: { maxSize: 3 },
        handleBatch: async (payloads) => {
          calls.push(payloads)
          if (calls.length === 1) await new Promise<void>((resolve) => (release = resolve))
        },
      }),
      command('other', { handleBatch: async (payloads) => void calls.push(payloads) }),
    ])
    watch([1, 2, 3, 4, 5].map((payload) => rig.submit(payload)))
    watch([rig.intake.submit('other', 'o1'), rig.intake.submit('other', 'o2'), rig.submit(6)])
    await rig.clock.advance(0)
    release()
    await rig.clock.advance(0)
    expect(calls).toEqual([[1], [2, 3, 4], [5], ['o1', 'o2'], [6]])
  })

  it('answers a repeat of its key from memory and refuses another payload', async () => {
    const rig = gated(
      { coreSize: 1 },
      { idempotencyKey: (job: unknown) => (job as { id: string }).id, idempotencyWindow: '1m' },
    )
    const answers = await rig.submitAll({ id: 'a' }, { id: 'a' }, { id: 'a', more: 1 })
    expect(answers.values.map((receipt) => receipt?.status)).toEqual(['accepted', 'duplicate', undefined])
    expect(answers.values[1]).toMatchObject({ id: answers.values[0]?.id })
    expect(answers.errors[2]).toBe('idempotency_conflict')
    expect(rig.gate.started).toEqual([{ id: 'a' }])
    rig.gate.open()
    await rig.clock.advance(59_999)
    expect((await rig.submitAll({ id: 'a' })).values).toMatchObject([{ status: 'duplicate' }])
    await rig.clock.advance(1)
    expect((await rig.submitAll({ id: 'a' })).values).toMatchObject([{ status: 'accepted' }])
  })

  it('stores scheduled commands, which memory could not keep', async () => {
    const rig = gated({})
    const runAt = rig.clock.now() + 60_000
    const answers = watch([rig.submit(1, { runAt })])
    await rig.clock.advance(0)
    expect(await rig.stored(answers.values[0]?.id ?? '')).toMatchObject({ state: 'scheduled', nextAt: runAt })
    expect(rig.gate.started).toEqual([])
  })

  it('stores an atomic submit, which only the store can do, minding the keys it holds', async () => {
    const rig = gated({ coreSize: 1 }, { idempotencyKey: (job: unknown) => (job as { id: string }).id })
    await rig.submitAll({ id: 'held' })
    const mixed = rig.intake.submitMany('job', [{ id: 'held' }, { id: 'new' }], { atomic: true })
    await rig.clock.advance(0)
    const verdicts = await mixed
    expect(verdicts.map((verdict) => verdict.ok && verdict.receipt.status)).toEqual(['duplicate', 'accepted'])
    expect(await rig.store.reader.accounting()).toMatchObject({ accepted: 1 })
    expect((await rig.submitAll({ id: 'new' })).values).toMatchObject([{ status: 'duplicate' }])

    const conflicting = await rig.intake.submitMany('job', [{ id: 'fresh' }, { id: 'held', other: 1 }], {
      atomic: true,
    })
    expect(conflicting.map((verdict) => !verdict.ok && verdict.error.code)).toEqual([
      'invalid_argument',
      'idempotency_conflict',
    ])
    expect(await rig.store.reader.accounting()).toMatchObject({ accepted: 1 })
  })
})
