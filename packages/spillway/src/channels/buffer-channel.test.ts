import { describe, expect, it } from 'vitest'
import {
  channelRig,
  command,
  Gate,
  type Rig,
  type RigOptions,
  watch,
} from '../../test/support/channel-rig.js'
import { type BufferOptions, buffer } from '../config/index.js'

interface BulkRig extends Rig {
  /** Payloads of each handler call, and when it came. */
  readonly calls: { readonly payloads: unknown[]; readonly at: number }[]
}

function bulk(options: BufferOptions, maxSize = 1_000, rigOptions: RigOptions = {}): BulkRig {
  const calls: { payloads: unknown[]; at: number }[] = []
  const handleBatch = async (payloads: unknown[]): Promise<void> =>
    void calls.push({ payloads, at: rig.clock.monotonic() })
  const rig = channelRig(buffer(options), [command('view', { batch: { maxSize }, handleBatch })], rigOptions)
  return { ...rig, calls }
}

const numbers = (count: number, from = 0): number[] =>
  Array.from({ length: count }, (_, index) => from + index)

describe('buffer channel', () => {
  it('gives receipts at once and executes when its time is up, counted from the first that gathered', async () => {
    const rig = bulk({ flush: { every: '1s' } })
    const answers = watch([rig.submit(1)])
    await rig.clock.advance(400)
    expect(answers.values[0]).toMatchObject({ status: 'accepted', durability: 'memory' })
    watch([rig.submit(2)])
    await rig.clock.advance(599)
    expect(rig.calls).toEqual([])
    await rig.clock.advance(1)
    expect(rig.calls).toEqual([{ payloads: [1, 2], at: 1_000 }])
    watch([rig.submit(3)])
    await rig.clock.advance(1_000)
    expect(rig.calls[1]).toEqual({ payloads: [3], at: 2_000 })
  })

  it('executes when enough commands gathered, and starts a new time for the next', async () => {
    const rig = bulk({ flush: { size: 3, every: '1s' } })
    watch(numbers(4).map((payload) => rig.submit(payload)))
    await rig.clock.advance(10)
    expect(rig.calls).toEqual([{ payloads: [0, 1, 2], at: 0 }])
    await rig.clock.advance(990)
    expect(rig.calls[1]).toEqual({ payloads: [3], at: 1_000 })
  })

  it('executes when enough bytes gathered', async () => {
    const rig = bulk({ flush: { bytes: 100 } })
    watch([rig.submit('x'.repeat(50)), rig.submit('x'.repeat(50)), rig.submit('z')])
    await rig.clock.advance(0)
    expect(rig.calls.map(({ payloads }) => payloads.length)).toEqual([2])
  })

  it('executes in slices of what the handler takes, type by type and in order', async () => {
    const rig = bulk({ flush: { size: 7 } }, 3, { queue: { concurrency: 1 } })
    watch(numbers(7).map((payload) => rig.submit(payload)))
    await rig.clock.advance(0)
    expect(rig.calls.map(({ payloads }) => payloads)).toEqual([[0, 1, 2], [3, 4, 5], [6]])
  })

  it('calls a handler of one for each command, as many at once as the queue allows', async () => {
    const gate = new Gate()
    const rig = channelRig(buffer({ flush: { size: 5 } }), [command('job', { handle: gate.handle })], {
      queue: { concurrency: 2 },
    })
    watch(numbers(5).map((payload) => rig.submit(payload)))
    await rig.clock.advance(0)
    expect(gate.started).toEqual([0, 1])
    gate.open(1)
    await rig.clock.advance(0)
    expect(gate.started).toEqual([0, 1, 2])
    expect(rig.recorded('pool.state').at(-1)).toMatchObject({ active: 2, limit: 2, queued: 2 })
  })

  it('bounds what it holds, running commands included, and flushes instead of staying full', async () => {
    const gate = new Gate()
    const rig = channelRig(buffer({ maxItems: 3, flush: { every: '1h' } }), [
      command('job', { handle: gate.handle }),
    ])
    const answers = watch(numbers(4).map((payload) => rig.submit(payload)))
    await rig.clock.advance(0)
    expect(answers.errors).toEqual([undefined, undefined, undefined, 'queue_full'])
    expect(gate.started).toEqual([0, 1, 2])
    expect(watch([rig.submit(4)]).errors).toEqual([undefined])
    gate.open(1)
    await rig.clock.advance(0)
    const later = watch([rig.submit(5), rig.submit(6)])
    await rig.clock.advance(0)
    expect(later.errors).toEqual([undefined, 'queue_full'])
  })

  it('bounds the bytes it holds', async () => {
    const rig = bulk({ maxBytes: 100, flush: { every: '1h' } })
    const answers = watch([
      rig.submit('x'.repeat(60)),
      rig.submit('x'.repeat(60)),
      rig.submit('x'.repeat(30)),
    ])
    await rig.clock.advance(0)
    expect(answers.errors).toEqual([undefined, 'queue_full', undefined])
  })

  it('block: lets the line in as soon as a flush made room', async () => {
    const rig = bulk({ maxItems: 2, whenFull: 'block', blockTimeout: '1s', flush: { every: '1h' } })
    const answers = watch(numbers(5).map((payload) => rig.submit(payload)))
    await rig.clock.advance(0)
    expect(answers.values.every((receipt) => receipt?.status === 'accepted')).toBe(true)
    expect(rig.calls.map(({ payloads }) => payloads)).toEqual([
      [0, 1],
      [2, 3],
    ])
  })

  it('discardOldest: drops what waits longest, and rejects when all that it holds runs', async () => {
    const gate = new Gate()
    const rig = channelRig(
      buffer({ maxItems: 3, whenFull: 'discardOldest', flush: { size: 3 } }),
      [command('job', { handle: gate.handle })],
      { queue: { concurrency: 1 } },
    )
    const answers = watch(numbers(5).map((payload) => rig.submit(payload)))
    await rig.clock.advance(0)
    expect(answers.errors.every((code) => code === undefined)).toBe(true)
    expect(answers.values.map((receipt) => rig.channel.lookup(receipt?.id ?? '')?.state)).toEqual([
      'running',
      'cancelled',
      'cancelled',
      'accepted',
      'accepted',
    ])

    for (let round = 0; round < 2; round += 1) {
      gate.open()
      await rig.clock.advance(0)
    }
    expect(gate.started).toEqual([0, 3])
    await rig.clock.advance(1_000)
    expect(gate.started).toEqual([0, 3, 4])

    const small = channelRig(buffer({ maxItems: 1, whenFull: 'discardOldest' }), [
      command('job', { handle: gate.handle }),
    ])
    watch([small.submit(1)])
    await small.clock.advance(1_000)
    const refused = watch([small.submit(2)])
    await small.clock.advance(0)
    expect(refused.errors).toEqual(['queue_full'])
  })

  it('callerRuns and spill: take what finds no room', async () => {
    const gate = new Gate()
    const called = channelRig(buffer({ maxItems: 1, whenFull: 'callerRuns', flush: { every: '1h' } }), [
      command('job', { handle: gate.handle }),
    ])
    const answers = watch([called.submit(1), called.submit(2)])
    await called.clock.advance(0)
    expect(gate.started).toEqual([2, 1])
    gate.open()
    await called.clock.advance(0)
    expect(answers.values[1]).toMatchObject({ durability: 'executed' })

    const spilling = channelRig(buffer({ maxItems: 1, whenFull: 'spill', flush: { every: '1h' } }), [
      command('job', { handle: gate.handle }),
    ])
    const spilled = watch([spilling.submit(1), spilling.submit(2)])
    await spilling.clock.advance(0)
    expect(await spilling.stored(spilled.values[1]?.id ?? '')).toMatchObject({ state: 'accepted' })
  })

  it('is ready again once what was full is executed, without waiting for its time', async () => {
    const rig = bulk({ maxItems: 2, flush: { every: '1h' } })
    watch([rig.submit(1), rig.submit(2)])
    const ready = watch([rig.channel.ready().then(() => rig.clock.monotonic())])
    await rig.clock.advance(0)
    expect(ready.values).toEqual([0])
  })

  it('parks the bad commands of a slice, and the others land', async () => {
    const landed: unknown[] = []
    const rig = channelRig(buffer({ flush: { size: 8 } }), [
      command('view', {
        handleBatch: async (payloads) => {
          if (payloads.includes(3)) throw new Error('poison')
          landed.push(...payloads)
        },
      }),
    ])
    const answers = watch(numbers(8).map((payload) => rig.submit(payload)))
    await rig.clock.advance(0)
    expect(landed.sort()).toEqual([0, 1, 2, 4, 5, 6, 7])
    expect(await rig.stored(answers.values[3]?.id ?? '')).toMatchObject({
      state: 'retrying',
      payload: '3',
      attempts: 1,
    })
    expect(await rig.store.reader.accounting()).toMatchObject({ accepted: 1 })
  })

  it('executes what gathered on drain and on close, without waiting for its time', async () => {
    const rig = bulk({ flush: { every: '1h' } })
    watch([rig.submit(1)])
    await rig.clock.advance(0)
    const drained = watch([rig.channel.drain().then(() => rig.calls.length)])
    await rig.clock.advance(0)
    expect(drained.values).toEqual([1])
    watch([rig.submit(2)])
    const closed = watch([rig.channel.close().then(() => rig.calls.length)])
    await rig.clock.advance(0)
    expect(closed.values).toEqual([2])
    expect(rig.clock.pending).toBe(0)
  })

  it('parks what it cannot execute in time when it is closed', async () => {
    const gate = new Gate()
    const rig = channelRig(
      buffer({}),
      [
        command('job', {
          timeout: '1h',
          handle: (payload, { signal }) =>
            Promise.race([
              gate.handle(payload),
              new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
            ]),
        }),
      ],
      { closeTimeoutMs: 100, queue: { concurrency: 1 } },
    )
    const answers = watch(numbers(3).map((payload) => rig.submit(payload)))
    await rig.clock.advance(0)
    const closed = watch([rig.channel.close().then(() => 'closed')])
    await rig.clock.advance(100)
    expect(closed.values).toEqual(['closed'])
    const ids = answers.values.map((receipt) => receipt?.id ?? '')
    expect((await rig.store.reader.get(ids)).map((view) => view?.state)).toEqual([
      'retrying',
      'scheduled',
      'scheduled',
    ])
  })

  it('takes and executes 20,000 commands submitted at once', async () => {
    const rig = bulk({}, 500)
    const answers = watch(numbers(20_000).map((payload) => rig.submit(payload)))
    await rig.clock.advance(2_000)
    expect(answers.values.filter((receipt) => receipt?.status === 'accepted')).toHaveLength(20_000)
    expect(rig.calls.reduce((sum, { payloads }) => sum + payloads.length, 0)).toBe(20_000)
  })
})
