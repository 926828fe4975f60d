import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { DeliveriesBench } from '../../../test/worker/deliveries-kit.js'
import { command, gate, range, storeIsDown, waitingCommand } from '../../../test/worker/worker-kit.js'
import { PARTITIONS_DEFAULT } from '../../domain/index.js'
import { partitionOf } from '../../intake/partition.js'

const failing = () => Promise.reject(Object.assign(new Error('busy'), { code: 'ECONNRESET' }))

describe('an ordered queue', () => {
  function setUp() {
    const executed: unknown[] = []
    const definition = command({
      name: 'a',
      orderingKey: (payload) => (payload as { key: string }).key,
      handle: (payload: unknown) => void executed.push(payload),
    })
    return { consumers: new DeliveriesBench([definition], { ordered: true, concurrency: 4 }), executed }
  }

  it('stores what it is delivered in the order of the deliveries, acknowledges it, and executes it in that order', async () => {
    const { consumers, executed } = setUp()
    const process = consumers.process()
    let failures = 3
    process.tamper.append = (call) => {
      failures -= 1
      return failures >= 0 ? storeIsDown() : call()
    }
    await consumers.clock.advance(1)
    process.worker.start()
    for (const at of range(20)) consumers.publish('a', [{ key: 'k', at }], { partition: 1 })
    await consumers.clock.advance(60_000)
    expect(executed).toEqual(range(20).map((at) => ({ key: 'k', at })))
    expect(consumers.messages('acked')).toHaveLength(20)
  })

  it('keeps the order when the connection is lost while the store is down', async () => {
    const { consumers, executed } = setUp()
    const process = consumers.process()
    process.tamper.append = storeIsDown
    await consumers.clock.advance(1)
    process.worker.start()
    for (const at of range(20)) consumers.publish('a', [{ key: 'k', at }], { partition: 1 })
    for (const _ of range(5)) {
      await consumers.clock.advance(700)
      process.broker.lost(() => 0)
      process.broker.reconnect()
    }
    delete process.tamper.append
    await consumers.clock.advance(60_000)
    expect(executed).toEqual(range(20).map((at) => ({ key: 'k', at })))
    expect(consumers.server.delivered('default')).toEqual([])
  })

  it('keeps the order of events whose schema takes its time, each another one', async () => {
    const executed: unknown[] = []
    const turns = range(10).map(() => gate())
    const input = z.number().refine(async (at) => {
      await turns[at]?.promise
      return true
    })
    const handle = (payload: unknown): void => void executed.push(payload)
    const definition = command({ name: 'a', input, orderingKey: () => 'k', handle } as never)
    const consumers = new DeliveriesBench([definition], { ordered: true })
    consumers.start()
    const partition = partitionOf('k', PARTITIONS_DEFAULT)
    for (const at of range(10)) {
      if (at % 3 === 1) consumers.publish('a', [at], { partition })
      else consumers.send({ id: `m${at}`, body: `${at}` })
    }
    await consumers.clock.advance(10)
    for (const turn of turns.toReversed()) {
      turn.open()
      await consumers.clock.advance(1)
    }
    await consumers.clock.advance(1_000)
    expect(executed).toEqual(range(10))
  })

  it('puts events of its types into their partitions', async () => {
    const { consumers, executed } = setUp()
    consumers.start()
    for (const at of range(10))
      consumers.send({
        contentType: 'application/cloudevents+json',
        body: JSON.stringify({
          specversion: '1.0',
          id: `${at}`,
          source: '/x',
          type: 'a',
          data: { key: `${at % 2}`, at },
        }),
      })
    await consumers.clock.advance(10_000)
    const ofKey = (key: string) => executed.filter((payload) => (payload as { key: string }).key === key)
    expect(ofKey('0')).toEqual([0, 2, 4, 6, 8].map((at) => ({ key: '0', at })))
    expect(ofKey('1')).toEqual([1, 3, 5, 7, 9].map((at) => ({ key: '1', at })))
  })
})

describe('tenants', () => {
  it('take turns by what the store has of them', async () => {
    const executed: string[] = []
    const definition = command({
      name: 'a',
      tenantKey: (payload) => String(payload).slice(0, 1),
      handle: (payload: string) => void executed.push(payload),
    })
    const consumers = new DeliveriesBench([definition], { queue: { tenants: {} } })
    for (const at of range(20)) consumers.publish('a', [`a${at}`], { tenant: 'a' })
    for (const at of range(5)) consumers.publish('a', [`b${at}`], { tenant: 'b' })
    consumers.start()
    await consumers.clock.advance(5_000)
    expect(executed).toHaveLength(25)
    expect(executed.slice(0, 12).filter((payload) => payload.startsWith('b')).length).toBeGreaterThan(3)
  })
})

describe('a rate limit', () => {
  it('keeps in the broker what may not start yet', async () => {
    const executed: unknown[] = []
    const definition = command({ name: 'a', handle: (payload: unknown) => void executed.push(payload) })
    const consumers = new DeliveriesBench([definition], {
      concurrency: 8,
      credit: 4,
      queue: { rateLimit: { limit: 10, per: '1s', burst: 1 } },
    })
    for (const at of range(30)) consumers.publish('a', [at])
    consumers.start()
    await consumers.clock.advance(1_000)
    expect(executed.length).toBeGreaterThan(8)
    expect(executed.length).toBeLessThan(14)
    expect(consumers.server.waiting('default').length).toBeGreaterThan(10)
    await consumers.clock.advance(3_000)
    expect(executed).toHaveLength(30)
  })
})

describe('a paused queue', () => {
  it('takes in what is delivered and executes nothing of it until it is resumed', async () => {
    const executed: unknown[] = []
    const definition = command({ name: 'a', handle: (payload: unknown) => void executed.push(payload) })
    const consumers = new DeliveriesBench([definition])
    await consumers.bench.real.control.configureQueue('default', { paused: true })
    const ids = range(3).flatMap((at) => consumers.publish('a', [at]))
    consumers.start()
    await consumers.clock.advance(1_000)
    expect(await consumers.bench.states(ids)).toEqual(Array(3).fill('accepted'))
    expect(consumers.messages('acked')).toHaveLength(3)
    expect(executed).toEqual([])
    await consumers.bench.real.control.configureQueue('default', { paused: false })
    await consumers.clock.advance(1_000)
    expect(executed).toEqual(range(3))
  })
})

describe('a breaker that is open', () => {
  it('leaves what is delivered to the broker, when it is all there is', async () => {
    const definition = command({
      name: 'a',
      breaker: true,
      retry: { attempts: 50, backoff: { delay: 3_600_000, jitter: 'none' } },
      handle: failing,
    })
    const consumers = new DeliveriesBench([definition], { credit: 5 })
    for (const at of range(100)) consumers.publish('a', [at])
    consumers.start()
    await consumers.clock.advance(3_000)
    expect(consumers.server.delivered('default')).toHaveLength(5)
    expect(consumers.server.waiting('default').length).toBeGreaterThan(10)
  })

  it('lets other types through by leaving what is in their way to the store', async () => {
    const executed: unknown[] = []
    const definitions = [
      command({
        name: 'a',
        breaker: true,
        retry: { attempts: 50, backoff: { delay: 3_600_000, jitter: 'none' } },
        handle: failing,
      }),
      command({ name: 'b', handle: (payload: unknown) => void executed.push(payload) }),
    ]
    const consumers = new DeliveriesBench(definitions, { credit: 5 })
    for (const at of range(60)) consumers.publish('a', [at])
    for (const at of range(10)) consumers.publish('b', [at])
    consumers.start()
    await consumers.clock.advance(20_000)
    expect(executed).toEqual(range(10))
  })
})

describe('crash isolation', () => {
  it('holds for chunks that came over a broker', async () => {
    const { started, definition } = waitingCommand({ retry: { attempts: 3 }, timeout: '1h' })
    const consumers = new DeliveriesBench([definition], { leaseMs: 3_000 })
    const ids = consumers.publish('a', ['kills'])
    for (const at of range(4)) {
      const process = consumers.start({ workerId: `w${at}` })
      await consumers.clock.advance(5_000)
      process.clock.pause()
      void process.broker.close()
      await consumers.clock.advance(1)
    }
    consumers.start({ workerId: 'last' })
    await consumers.clock.advance(10_000)
    expect(await consumers.bench.views(ids)).toMatchObject([
      { state: 'dead', error: { code: 'worker_crash' } },
    ])
    expect(started.length).toBeLessThan(4)
    expect(consumers.messages('acked').length).toBeGreaterThan(0)
  })
})
