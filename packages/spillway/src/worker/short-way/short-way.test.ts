import { describe, expect, it } from 'vitest'
import { DeliveriesBench } from '../../../test/worker/deliveries-kit.js'
import {
  Bench,
  command,
  eventsOf,
  gate,
  type Process,
  type QueueSetup,
  range,
  type TestCommand,
} from '../../../test/worker/worker-kit.js'
import type { AnyCommand } from '../../config/index.js'
import { commandId, encodeBody } from '../../domain/index.js'
import { SpillwayError } from '../../errors/index.js'
import type { SettledEvent } from '../../ports/index.js'
import { into } from '../../sinks/index.js'
import { rowsOf } from '../../stores/memory/index.js'

const click = (over: Partial<TestCommand> = {}): AnyCommand =>
  command({ name: 'click', handleBatch: into('clicks', { key: ['id'] }), ...over })

const payload = (id: number) => ({ id: `c${id}` })

function draftOf(at: number, ids: readonly number[], over: object = {}) {
  return {
    ...{
      id: at.toString(16).padStart(32, '0'),
      queue: 'default',
      type: 'click',
      priority: 0,
      partition: null,
    },
    ...{
      codec: 'json' as const,
      body: encodeBody(ids.map((id) => JSON.stringify(payload(id)))),
      size: ids.length,
    },
    ...{ keys: null, parked: null, ...over },
  }
}

/** As the channel of the process's own submits. */
async function takeShort({ worker }: Pick<Process, 'worker'>, drafts: ReturnType<typeof draftOf>[]) {
  return (await worker.shortWayOf('default')?.take(drafts)) ?? drafts.map(() => 'left' as const)
}

function setUp(over: Partial<TestCommand> = {}, setup: QueueSetup = {}) {
  const bench = new Bench([click(over)], { concurrency: 2, ...setup })
  const process = bench.start()
  const take = (...drafts: ReturnType<typeof draftOf>[]) => takeShort(process, drafts)
  return { bench, process, take, rows: () => rowsOf(bench.real, 'clicks').map(({ id }) => id) }
}

describe('chunks of this process on the short way', () => {
  it('are stored as succeeded with their rows, in one call of the store', async () => {
    const { bench, process, take, rows } = setUp()
    const draft = draftOf(1, [1, 2, 3])
    expect(await take(draft)).toEqual([bench.clock.now()])
    expect(rows()).toEqual(['c1', 'c2', 'c3'])
    expect(await bench.states(range(3).map((at) => commandId(draft.id, at)))).toEqual(
      Array(3).fill('succeeded'),
    )
    expect(process.calls.appendSettled).toHaveLength(1)
    expect([process.calls.append, process.calls.settleWithin]).toEqual([[], []])
  })

  it('count as one executed batch, attempts, and finished commands', async () => {
    const { process, take } = setUp()
    await take(draftOf(1, [1, 2]))
    const of = { queue: 'default', type: 'click' }
    expect(eventsOf(process.events, 'batch.executed')).toMatchObject([{ ...of, commands: 2 }])
    expect(eventsOf(process.events, 'attempt.finished')).toMatchObject([{ ...of, outcome: 'ok', count: 2 }])
    expect(eventsOf(process.events, 'command.finished')).toMatchObject([
      { ...of, outcome: 'succeeded', count: 2, completionMs: 0 },
    ])
  })

  it('are told to listeners, each command', async () => {
    const told: SettledEvent[] = []
    const bench = new Bench([click()])
    const listener = {
      listening: () => true,
      settled: (events: readonly SettledEvent[]) => void told.push(...events),
    }
    const { worker } = bench.start({ listener })
    const draft = draftOf(1, [1, 2])
    await takeShort({ worker }, [draft])
    const of = { type: 'click', queue: 'default', state: 'succeeded', attempts: 1, error: null }
    expect(told).toEqual([
      { id: commandId(draft.id, 0), ...of },
      { id: commandId(draft.id, 1), ...of },
    ])
  })

  it('share a commit up to the size of a call', async () => {
    const { process, take } = setUp({ batch: { maxSize: 5 } })
    await take(draftOf(1, [1, 2]), draftOf(2, [3, 4]), draftOf(3, [5, 6]))
    const sizes = process.calls.appendSettled.map(([drafts]) =>
      (drafts as { size: number }[]).map(({ size }) => size),
    )
    expect(sizes).toEqual([[2, 2], [2]])
  })

  it('go without those that cannot', async () => {
    const { bench, take, rows } = setUp()
    const scheduled = { parked: [{ state: 'scheduled', nextAt: 1, attempts: 0, error: null }] }
    const stored = await take(
      draftOf(1, [1]),
      draftOf(2, [2], scheduled),
      draftOf(3, [3], { partition: 1 }),
      draftOf(4, [4], { type: 'other' }),
      draftOf(5, [5]),
    )
    const now = bench.clock.now()
    expect(stored).toEqual([now, 'left', 'left', 'left', now])
    expect(rows()).toEqual(['c1', 'c5'])
  })

  const longWays: [string, Partial<TestCommand>, QueueSetup][] = [
    ['a handler of its own', { handleBatch: async () => {} }, {}],
    ['callbacks', { callback: () => null }, {}],
    ['a circuit breaker', { breaker: true }, {}],
    ['payloads that are checked again', { revalidate: true }, {}],
    ['a queue with order', { orderingKey: () => 'k' }, { ordered: true }],
    ['a rate', {}, { queue: { rateLimit: { limit: 10, per: '1s' } } }],
    ['tenants in turn', { tenantKey: () => 't' }, { queue: { tenants: {} } }],
    ['a number of calls that adapts', {}, { queue: { concurrency: { max: 4 } } }],
    ['chunks larger than its calls', { batch: { maxSize: 1 } }, {}],
  ]
  it.each(longWays)('are not taken of a type with %s', async (_, over, setup) => {
    const { process, take } = setUp(over, setup)
    expect(await take(draftOf(1, [1, 2]))).toEqual(['left'])
    expect(process.calls.appendSettled).toEqual([])
  })

  it('are not taken while every slot is occupied, nor by a worker that closes', async () => {
    const handling = gate()
    const slow = command({ name: 'slow', handle: () => handling.promise })
    const bench = new Bench([click(), slow], { concurrency: 1 })
    const { worker } = bench.start()
    await bench.append('slow', [1])
    await bench.clock.advance(200)
    expect(await takeShort({ worker }, [draftOf(77, [1])])).toEqual(['left'])
    handling.open()
    await bench.clock.advance(10)
    expect(await takeShort({ worker }, [draftOf(77, [1])])).toEqual([bench.clock.now()])
    void worker.stop()
    expect(await takeShort({ worker }, [draftOf(78, [2])])).toEqual(['left'])
  })

  it('occupy slots of the queue', async () => {
    const { process, take } = setUp({}, { concurrency: 1 })
    const storing = gate()
    process.tamper.appendSettled = (call) => storing.promise.then(call)
    const first = take(draftOf(1, [1]))
    expect(await take(draftOf(2, [2]))).toEqual(['left'])
    storing.open()
    expect(await first).not.toEqual(['left'])
    expect(await take(draftOf(2, [2]))).not.toEqual(['left'])
  })
})

describe('the short way', () => {
  it.each([
    ['ignore', true],
    ['update', false],
  ] as const)(
    'takes chunks side by side only where rows do not overwrite each other: %s',
    (onConflict, may) => {
      const { process } = setUp({ handleBatch: into('clicks', { key: ['id'], onConflict }) })
      expect(process.worker.shortWayOf('default')?.mayDivide('click')).toBe(may)
    },
  )

  const refused = (process: Process, answer: () => Promise<unknown>) => {
    process.tamper.appendSettled = answer
  }

  it.each([
    ['that more is to be said', () => Promise.resolve(null)],
    ['a failure', () => Promise.reject(new SpillwayError('store_unavailable', 'gone'))],
  ])('is closed for a while after %s, and twice as long after the next', async (_, answer) => {
    const { bench, process, take } = setUp()
    refused(process, answer)
    expect(await take(draftOf(1, [1]))).toEqual(['left'])
    await bench.clock.advance(499)
    await take(draftOf(1, [1]))
    expect(process.calls.appendSettled).toHaveLength(1)
    await bench.clock.advance(1)
    await take(draftOf(1, [1]))
    expect(process.calls.appendSettled).toHaveLength(2)
    await bench.clock.advance(999)
    await take(draftOf(1, [1]))
    expect(process.calls.appendSettled).toHaveLength(2)
    delete process.tamper.appendSettled
    await bench.clock.advance(1)
    expect(await take(draftOf(1, [1]))).toEqual([bench.clock.now()])
    refused(process, answer)
    await take(draftOf(2, [2]))
    await bench.clock.advance(500)
    delete process.tamper.appendSettled
    expect(await take(draftOf(2, [2]))).toEqual([bench.clock.now()])
  })

  it('is tried again every half minute at least', async () => {
    const { bench, process, take } = setUp()
    refused(process, () => Promise.resolve(null))
    for (const _ of range(12)) {
      await take(draftOf(1, [1]))
      await bench.clock.advance(30_000)
    }
    expect(process.calls.appendSettled).toHaveLength(12)
  })

  it('is closed after a commit that took long, because somebody waited for it', async () => {
    const { bench, process, take } = setUp()
    process.tamper.appendSettled = (call) => bench.clock.sleep(251).then(call)
    const taking = take(draftOf(1, [1]))
    await bench.clock.advance(251)
    expect(await taking).toEqual([bench.clock.now()])
    expect(await take(draftOf(2, [2]))).toEqual(['left'])
  })

  it('is closed by rows that cannot be made, before the store is asked', async () => {
    const { process, take } = setUp({
      handleBatch: into('clicks', { key: ['id'], map: () => ({ other: 1 }) }),
    })
    expect(await take(draftOf(1, [1]))).toEqual(['left'])
    expect(process.calls.appendSettled).toEqual([])
  })

  it('says when nobody knows whether the store has it', async () => {
    const { process, take } = setUp()
    const unknown = new SpillwayError('store_unavailable', 'cut', { details: { outcome: 'unknown' } })
    refused(process, () => Promise.reject(unknown))
    expect(await take(draftOf(1, [1]))).toEqual(['doubtful'])
  })

  it('counts failures at once as one', async () => {
    const { bench, process, take } = setUp({ batch: { maxSize: 1 } })
    refused(process, () => Promise.resolve(null))
    expect(await take(draftOf(1, [1]), draftOf(2, [2]))).toEqual(['left', 'left'])
    expect(process.calls.appendSettled).toHaveLength(2)
    delete process.tamper.appendSettled
    await bench.clock.advance(500)
    expect(await take(draftOf(1, [1]))).toEqual([bench.clock.now()])
  })

  it('waits for locks of others only as long as whoever waits for a receipt can bear', async () => {
    const { process, take } = setUp()
    await take(draftOf(1, [1]))
    expect(process.calls.appendSettled[0]?.[2]).toEqual({ lockWaitMs: 25 })
  })

  it('leaves chunks of a paused queue to be appended', async () => {
    const { bench, take, rows } = setUp()
    await bench.real.control.configureQueue('default', { paused: true })
    expect(await take(draftOf(1, [1]))).toEqual(['left'])
    expect(rows()).toEqual([])
  })
})

describe('delivered chunks on the short way', () => {
  function consume(over: Partial<TestCommand> = {}, setup: QueueSetup = {}) {
    const consumers = new DeliveriesBench([click(over)], { concurrency: 8, ...setup })
    const process = consumers.start()
    return { consumers, process, rows: () => rowsOf(consumers.bench.real, 'clicks').length }
  }

  it('are stored as succeeded with their rows, and acknowledged then', async () => {
    const { consumers, process, rows } = consume()
    await consumers.clock.advance(1)
    const storing = gate()
    process.tamper.appendSettled = (call) => storing.promise.then(call)
    const ids = consumers.publish('click', range(3).map(payload))
    await consumers.clock.advance(20)
    expect(consumers.messages('acked')).toEqual([])
    storing.open()
    await consumers.clock.advance(20)
    expect(consumers.messages('acked')).toEqual([ids[0]?.slice(0, -2)])
    expect(await consumers.bench.states(ids)).toEqual(Array(3).fill('succeeded'))
    expect(rows()).toBe(3)
    expect(process.calls.append).toEqual([])
    expect(eventsOf(process.events, 'command.landed')).toMatchObject([{ outcome: 'accepted', count: 3 }])
    expect(process.calls.appendSettled[0]?.[2]).toEqual({})
  })

  it('gather while others are on their way', async () => {
    const { consumers, process, rows } = consume({ batch: { maxSize: 8 } })
    await consumers.clock.advance(1)
    const storing = gate()
    process.tamper.appendSettled = (call) => storing.promise.then(call)
    consumers.publish('click', [payload(0)])
    await consumers.clock.advance(5)
    for (const at of range(9)) consumers.publish('click', [payload(1 + 2 * at), payload(2 + 2 * at)])
    await consumers.clock.advance(5)
    const sizes = () => process.calls.appendSettled.map(([drafts]) => (drafts as unknown[]).length)
    expect(sizes()).toEqual([1, 4, 4])
    storing.open()
    await consumers.clock.advance(5)
    expect(sizes()).toEqual([1, 4, 4, 1])
    expect(rows()).toBe(19)
  })

  it.each([
    ['has more to say', () => Promise.resolve(null)],
    ['fails', () => Promise.reject(new SpillwayError('store_unavailable', 'gone'))],
  ])('go the long way as they are when the store %s', async (_, answer) => {
    const { consumers, process, rows } = consume()
    await consumers.clock.advance(1)
    process.tamper.appendSettled = answer
    const ids = consumers.publish('click', range(3).map(payload))
    await consumers.clock.advance(50)
    expect(await consumers.bench.states(ids)).toEqual(Array(3).fill('succeeded'))
    expect(rows()).toBe(3)
    expect(consumers.messages('acked')).toHaveLength(1)
    expect(process.calls.appendSettled).toHaveLength(1)
    expect(process.calls.append).toHaveLength(1)
  })

  it('are executed once where nobody knows whether they were committed', async () => {
    const { consumers, process, rows } = consume({
      handleBatch: into('clicks', { key: ['id'], onConflict: 'ignore' }),
    })
    await consumers.clock.advance(1)
    process.tamper.appendSettled = (call) =>
      call().then(() =>
        Promise.reject(new SpillwayError('store_unavailable', 'cut', { details: { outcome: 'unknown' } })),
      )
    const ids = consumers.publish('click', range(2).map(payload))
    await consumers.clock.advance(50)
    expect(await consumers.bench.states(ids)).toEqual(['succeeded', 'succeeded'])
    expect(rows()).toBe(2)
    expect(consumers.messages('acked')).toHaveLength(1)
    expect(eventsOf(process.events, 'batch.executed')).toEqual([])
  })

  it('that others delivered before are acknowledged and not written again', async () => {
    const { consumers, rows } = consume()
    await consumers.clock.advance(1)
    const draft = consumers.draft('click', [payload(1)])
    consumers.publishDraft(draft)
    await consumers.clock.advance(50)
    consumers.publishDraft(draft)
    await consumers.clock.advance(1_000)
    expect(consumers.messages('acked')).toEqual([draft.id, draft.id])
    expect(rows()).toBe(1)
  })

  it('go the long way where they are larger than a call', async () => {
    const { consumers, process, rows } = consume({ batch: { maxSize: 2 } })
    await consumers.clock.advance(1)
    consumers.publish('click', range(3).map(payload))
    consumers.publish('click', [payload(9)])
    await consumers.clock.advance(100)
    expect(rows()).toBe(4)
    expect(process.calls.appendSettled).toHaveLength(1)
    expect(process.calls.append).toHaveLength(1)
  })

  it('are stored for claims while their queue is paused', async () => {
    const { consumers, rows } = consume()
    await consumers.clock.advance(1)
    await consumers.bench.real.control.configureQueue('default', { paused: true })
    const ids = consumers.publish('click', [payload(1)])
    await consumers.clock.advance(50)
    expect(await consumers.bench.states(ids)).toEqual(['accepted'])
    expect(consumers.messages('acked')).toHaveLength(1)
    expect(rows()).toBe(0)
  })

  it('that are on their way are waited for when the worker closes', async () => {
    const { consumers, process, rows } = consume()
    await consumers.clock.advance(1)
    const storing = gate()
    process.tamper.appendSettled = (call) => storing.promise.then(call)
    consumers.publish('click', [payload(1)])
    await consumers.clock.advance(5)
    const stopped = process.worker.stop()
    await consumers.clock.advance(5)
    storing.open()
    await consumers.clock.advance(5)
    await stopped
    expect(rows()).toBe(1)
    expect(consumers.messages('acked')).toHaveLength(1)
  })
})
