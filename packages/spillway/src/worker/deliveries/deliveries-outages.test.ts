import { describe, expect, it } from 'vitest'
import { DeliveriesBench, recordingConsumers } from '../../../test/worker/deliveries-kit.js'
import { eventsOf, gate, range, storeIsDown, waitingCommand } from '../../../test/worker/worker-kit.js'

describe('a store that is down', () => {
  it('gets everything once it is back, and nothing is acknowledged before', async () => {
    const { consumers, executed } = recordingConsumers()
    const process = consumers.process()
    process.tamper.append = storeIsDown
    process.tamper.claim = storeIsDown
    await consumers.clock.advance(1)
    process.worker.start()
    for (const at of range(5)) consumers.publish('a', [at])
    await consumers.clock.advance(60_000)
    expect(consumers.messages('acked')).toEqual([])
    expect(consumers.messages('delivered')).toHaveLength(5)
    // It is left alone for longer and longer.
    expect(process.calls.append.length).toBeLessThan(40)
    delete process.tamper.append
    delete process.tamper.claim
    await consumers.clock.advance(10_000)
    expect(executed.toSorted()).toEqual(range(5))
    expect(consumers.messages('acked')).toHaveLength(5)
  })

  it('that had committed the append it failed has the chunk once', async () => {
    const { consumers, executed } = recordingConsumers({ leaseMs: 5_000 })
    const process = consumers.process()
    process.tamper.append = async (call) => {
      delete process.tamper.append
      await call()
      return storeIsDown()
    }
    await consumers.clock.advance(1)
    process.worker.start()
    const ids = consumers.publish('a', [1])
    await consumers.clock.advance(1_000)
    expect(consumers.messages('acked')).toHaveLength(1)
    expect(executed).toEqual([])
    await consumers.clock.advance(10_000)
    expect(executed).toEqual([1])
    expect(await consumers.bench.states(ids)).toEqual(['succeeded'])
  })

  it('while the broker reconnects again and again, does not make it hold more than its credit', async () => {
    const { consumers, executed } = recordingConsumers({ credit: 3 })
    const process = consumers.process()
    process.tamper.append = storeIsDown
    process.tamper.claim = storeIsDown
    await consumers.clock.advance(1)
    process.worker.start()
    for (const at of range(6)) consumers.publish('a', [at])
    for (const _ of range(10)) {
      await consumers.clock.advance(1_000)
      expect(consumers.server.delivered('default')).toHaveLength(3)
      process.broker.lost(() => 0)
      process.broker.reconnect()
    }
    delete process.tamper.append
    delete process.tamper.claim
    await consumers.clock.advance(20_000)
    expect(executed.toSorted()).toEqual(range(6))
    expect(consumers.server.waiting('default')).toEqual([])
    expect(consumers.server.delivered('default')).toEqual([])
  })
})

describe('close', () => {
  it('finishes what runs, acknowledges it, and leaves the rest to others', async () => {
    const { started, gates, definition } = waitingCommand()
    const consumers = new DeliveriesBench([definition], { credit: 5 })
    const ids = range(5).flatMap((at) => consumers.publish('a', [at]))
    const process = consumers.start()
    await consumers.clock.advance(100)
    expect(started).toHaveLength(1)
    const stopped = process.worker.stop()
    await consumers.clock.advance(50)
    gates[0]?.open(undefined)
    await consumers.clock.advance(50)
    await stopped
    expect((await consumers.bench.states(ids)).filter((state) => state === 'succeeded')).toHaveLength(1)
    expect(consumers.messages('acked')).toHaveLength(1)
    expect(consumers.server.waiting('default')).toHaveLength(4)
    for (const gated of gates) gated.open(undefined)
    consumers.start({ workerId: 'w2' })
    await consumers.clock.advance(1_000)
    expect(await consumers.bench.states(ids)).toEqual(Array(5).fill('succeeded'))
    expect(started).toHaveLength(5)
  })

  it('during an append gives back what it leased', async () => {
    const { consumers, executed } = recordingConsumers()
    const process = consumers.process()
    const open = gate()
    process.tamper.append = async (call) => {
      const results = await call()
      await open.promise
      return results
    }
    await consumers.clock.advance(1)
    process.worker.start()
    const ids = consumers.publish('a', [1])
    await consumers.clock.advance(50)
    const stopped = process.worker.stop()
    await consumers.clock.advance(10)
    open.open()
    await consumers.clock.advance(10)
    await stopped
    expect(await consumers.bench.states(ids)).toEqual(['accepted'])
    expect(consumers.messages('acked')).toHaveLength(1)
    expect(executed).toEqual([])
  })

  it('does not wait for an append that hangs', async () => {
    const { consumers } = recordingConsumers()
    const process = consumers.process()
    process.tamper.append = () => new Promise(() => {})
    await consumers.clock.advance(1)
    process.worker.start()
    consumers.publish('a', [1])
    await consumers.clock.advance(50)
    void process.worker.stop()
    await consumers.clock.advance(2_000)
    expect(consumers.server.waiting('default')).toHaveLength(1)
    expect(consumers.messages('acked')).toEqual([])
  })
})

describe('a broker that is not there', () => {
  it('is subscribed to once it is', async () => {
    const { consumers, executed } = recordingConsumers()
    consumers.publish('a', [1])
    await consumers.clock.advance(10)
    consumers.server.kill()
    const process = consumers.process()
    process.worker.start()
    await consumers.clock.advance(2_000)
    expect(eventsOf(process.events, 'fault').length).toBeGreaterThan(0)
    consumers.server.restart()
    await consumers.clock.advance(10_000)
    expect(executed).toEqual([1])
  })

  it('does not keep what it delivered from being executed', async () => {
    const { started, gates, definition } = waitingCommand()
    const consumers = new DeliveriesBench([definition])
    consumers.start()
    const ids = consumers.publish('a', [1])
    await consumers.clock.advance(50)
    consumers.server.kill()
    gates[0]?.open(undefined)
    await consumers.clock.advance(50)
    expect(await consumers.bench.states(ids)).toEqual(['succeeded'])
    consumers.server.restart()
    await consumers.clock.advance(1_000)
    expect(started).toHaveLength(1)
    expect(consumers.messages('acked')).toHaveLength(1)
    expect(consumers.server.waiting('default')).toEqual([])
  })
})
