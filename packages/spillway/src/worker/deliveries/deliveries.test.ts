import { describe, expect, it } from 'vitest'
import { DeliveriesBench, key, recordingConsumers } from '../../../test/worker/deliveries-kit.js'
import { eventsOf, range, storeIsDown, waitingCommand } from '../../../test/worker/worker-kit.js'

describe('a delivered chunk', () => {
  it('is stored and leased in one commit, executed, settled, and acknowledged then', async () => {
    const { consumers, executed } = recordingConsumers()
    const process = consumers.start()
    await consumers.clock.advance(1)
    const ids = consumers.publish('a', [1, 2, 3])
    await consumers.clock.advance(20)
    expect(executed).toEqual([1, 2, 3])
    expect(await consumers.bench.states(ids)).toEqual(Array(3).fill('succeeded'))
    expect(consumers.messages('acked')).toEqual([ids[0]?.slice(0, -2)])
    expect(process.calls.append).toHaveLength(1)
    expect(process.calls.settle).toHaveLength(1)
  })

  it('is not acknowledged before its settlement was committed', async () => {
    const { started, gates, definition } = waitingCommand()
    const consumers = new DeliveriesBench([definition])
    consumers.start()
    const ids = consumers.publish('a', [1])
    await consumers.clock.advance(20)
    expect(started).toHaveLength(1)
    expect(await consumers.bench.states(ids)).toEqual(['running'])
    expect(consumers.messages('acked')).toEqual([])
    gates[0]?.open(undefined)
    await consumers.clock.advance(20)
    expect(consumers.messages('acked')).toHaveLength(1)
  })

  it('goes with others into one append and one handler call', async () => {
    const calls: unknown[][] = []
    const { consumers } = recordingConsumers(
      {},
      { handleBatch: (payloads: unknown[]) => void calls.push(payloads) },
    )
    for (const at of range(10)) consumers.publish('a', [at])
    await consumers.clock.advance(10)
    const process = consumers.start()
    await consumers.clock.advance(30)
    expect(calls.flat()).toEqual(range(10))
    expect(calls.length).toBeLessThan(4)
    expect(process.calls.append.length).toBeLessThan(4)
  })

  it('is executed by priority', async () => {
    const { started, gates, definition } = waitingCommand()
    const consumers = new DeliveriesBench([definition], { concurrency: 1 })
    for (const gated of gates) gated.open(undefined)
    for (const priority of [0, 5, -3, 9]) consumers.publish('a', [priority], { priority })
    await consumers.clock.advance(1)
    consumers.start()
    await consumers.clock.advance(500)
    expect(started.map(({ at }) => at)).toEqual([9, 5, 0, -3])
  })

  it('that failed is tried again by the store, and its message is gone', async () => {
    let tries = 0
    const { consumers } = recordingConsumers(
      {},
      {
        handleBatch: () => {
          tries += 1
          if (tries === 1) throw Object.assign(new Error('busy'), { code: 'ECONNRESET' })
        },
      },
    )
    consumers.start()
    const ids = consumers.publish('a', [1])
    await consumers.clock.advance(50)
    expect(await consumers.bench.states(ids)).toEqual(['retrying'])
    expect(consumers.messages('acked')).toHaveLength(1)
    await consumers.clock.advance(1_000)
    await consumers.bench.promote()
    await consumers.clock.advance(200)
    expect(await consumers.bench.states(ids)).toEqual(['succeeded'])
    expect(consumers.messages('delivered')).toHaveLength(1)
  })

  it('that is scheduled is stored and acknowledged at once', async () => {
    const { consumers, executed } = recordingConsumers()
    consumers.start()
    const nextAt = consumers.clock.now() + 60_000
    const ids = consumers.publish('a', [1], {
      parked: [{ state: 'scheduled', nextAt, attempts: 0, error: null }],
    })
    await consumers.clock.advance(50)
    expect(await consumers.bench.states(ids)).toEqual(['scheduled'])
    expect(consumers.messages('acked')).toHaveLength(1)
    await consumers.clock.advance(60_000)
    await consumers.bench.promote()
    await consumers.clock.advance(200)
    expect(executed).toEqual([1])
  })

  it('of a type that this process has no handler for is stored for others and acknowledged', async () => {
    const { consumers, executed } = recordingConsumers()
    consumers.start()
    const ids = consumers.publish('unknown', [1])
    await consumers.clock.advance(50)
    expect(await consumers.bench.states(ids)).toEqual(['accepted'])
    expect(consumers.messages('acked')).toHaveLength(1)
    expect(executed).toEqual([])
  })
})

describe('a redelivered chunk', () => {
  it('is recognised and acknowledged after it was settled', async () => {
    const { consumers, executed } = recordingConsumers()
    consumers.start()
    const draft = consumers.draft('a', [1])
    consumers.publishDraft(draft)
    await consumers.clock.advance(50)
    consumers.publishDraft(draft)
    await consumers.clock.advance(50)
    expect(executed).toEqual([1])
    expect(consumers.messages('acked')).toEqual([draft.id, draft.id])
  })

  it('is the same message while the first delivery of it is executed', async () => {
    const { started, gates, definition } = waitingCommand()
    const consumers = new DeliveriesBench([definition])
    const process = consumers.start()
    const draft = consumers.draft('a', [1])
    consumers.publishDraft(draft)
    await consumers.clock.advance(50)
    process.broker.lost(() => 0)
    process.broker.reconnect()
    await consumers.clock.advance(50)
    expect(consumers.messages('delivered')).toEqual([draft.id, draft.id])
    expect(process.calls.append).toHaveLength(1)
    gates[0]?.open(undefined)
    await consumers.clock.advance(50)
    expect(started).toHaveLength(1)
    expect(consumers.messages('acked')).toEqual([draft.id])
  })

  it('of a process that died is not executed twice: the store hands it to another one when its lease ends', async () => {
    const { started, gates, definition } = waitingCommand({ timeout: '1h' })
    const consumers = new DeliveriesBench([definition], { leaseMs: 10_000 })
    const dead = consumers.start()
    const ids = consumers.publish('a', ['x'])
    await consumers.clock.advance(50)
    expect(started).toHaveLength(1)
    dead.clock.pause()
    void dead.broker.close()
    consumers.start({ workerId: 'w2' })
    await consumers.clock.advance(5_000)
    expect(started).toHaveLength(1)
    expect(consumers.messages('acked')).toHaveLength(1)
    await consumers.clock.advance(10_000)
    expect(started.map(({ attempt }) => attempt)).toEqual([1, 2])
    gates[1]?.open(undefined)
    await consumers.clock.advance(50)
    expect(await consumers.bench.states(ids)).toEqual(['succeeded'])
  })

  it('is acknowledged by a worker that lost its lease, whose settlement changes nothing', async () => {
    const { gates, definition } = waitingCommand({ timeout: '1h' })
    const consumers = new DeliveriesBench([definition], { leaseMs: 10_000 })
    const zombie = consumers.start()
    const ids = consumers.publish('a', ['x'])
    await consumers.clock.advance(50)
    zombie.clock.pause()
    consumers.start({ workerId: 'w2' })
    await consumers.clock.advance(20_000)
    gates[0]?.open('of the zombie')
    gates[1]?.open('of the other')
    await consumers.clock.advance(50)
    expect(await consumers.bench.views(ids)).toMatchObject([{ state: 'succeeded', result: '"of the other"' }])
    zombie.clock.resume()
    await consumers.clock.advance(50)
    expect(consumers.messages('acked')).toHaveLength(1)
    expect(eventsOf(zombie.events, 'lease.lost')).toHaveLength(1)
  })
})

describe('credit', () => {
  it('bounds what a process has in hand', async () => {
    const { gates, definition } = waitingCommand()
    const consumers = new DeliveriesBench([definition], { credit: 4 })
    for (const at of range(10)) consumers.publish('a', [at])
    consumers.start()
    await consumers.clock.advance(200)
    expect(consumers.server.delivered('default')).toHaveLength(4)
    expect(consumers.server.waiting('default')).toHaveLength(6)
    gates[0]?.open(undefined)
    await consumers.clock.advance(50)
    expect(consumers.server.delivered('default')).toHaveLength(4)
    expect(consumers.server.waiting('default')).toHaveLength(5)
  })
})

describe('what the store has besides', () => {
  it('is executed while deliveries keep coming, and they are while it keeps having some', async () => {
    const executed: string[] = []
    const { consumers } = recordingConsumers(
      {},
      { handle: (payload: string) => void executed.push(payload), handleBatch: undefined as never },
    )
    for (const at of range(40)) {
      await consumers.bench.append('a', [`store ${at}`], { id: `f${at}`.padStart(32, '0') })
      consumers.publish('a', [`broker ${at}`])
    }
    consumers.start()
    for (let turns = 0; turns < 20_000 && executed.length < 40; turns += 1) await consumers.clock.advance(1)
    const ofStore = executed.slice(0, 40).filter((payload) => payload.startsWith('store'))
    expect(ofStore.length).toBeGreaterThan(10)
    expect(ofStore.length).toBeLessThan(30)
  })

  it('is found by polling when nobody announced it', async () => {
    const { consumers, executed } = recordingConsumers()
    const process = consumers.start({ pollMs: 500 })
    await consumers.clock.advance(10)
    process.tamper.claim = async (call) => call()
    await consumers.bench.append('a', ['mine'])
    await consumers.clock.advance(1_000)
    expect(executed).toEqual(['mine'])
  })
})

describe('conflicts', () => {
  it('are recorded as failed before the message is acknowledged, once however often it comes', async () => {
    const { consumers, executed } = recordingConsumers()
    const process = consumers.start()
    consumers.publish('a', ['first'], { keys: [key('k', 'first')] })
    await consumers.clock.advance(50)
    const draft = consumers.draft('a', ['other', 'fresh'], { keys: [key('k', 'other'), null] })
    consumers.publishDraft(draft)
    await consumers.clock.advance(50)
    consumers.publishDraft(draft)
    await consumers.clock.advance(50)
    expect(executed).toEqual(['first', 'fresh'])
    const failed = await consumers.bench.real.reader.list({ state: 'failed', limit: 10 })
    expect(failed.items).toMatchObject([{ state: 'failed', error: { code: 'idempotency_conflict' } }])
    expect(consumers.messages('acked')).toHaveLength(3)
    expect(eventsOf(process.events, 'command.landed').map(({ outcome, count }) => [outcome, count])).toEqual([
      ['accepted', 1],
      ['accepted', 1],
      ['conflict', 1],
      ['accepted', 1],
      ['conflict', 1],
    ])
  })

  it('keep their message from being acknowledged until they are stored', async () => {
    const { consumers, executed } = recordingConsumers()
    const process = consumers.start()
    consumers.publish('a', ['first'], { keys: [key('k', 'first')] })
    await consumers.clock.advance(50)
    process.tamper.append = async (call, _, options) => {
      if ((options as { lease?: object }).lease === undefined) return storeIsDown()
      return call()
    }
    const draft = consumers.draft('a', ['other', 'fresh'], { keys: [key('k', 'other'), null] })
    consumers.publishDraft(draft)
    await consumers.clock.advance(5_000)
    expect(executed).toEqual(['first', 'fresh'])
    expect(consumers.messages('acked')).toHaveLength(1)
    delete process.tamper.append
    await consumers.clock.advance(10_000)
    expect(consumers.messages('acked')).toHaveLength(2)
  })

  it('leave repeats of the same command to the first', async () => {
    const { consumers, executed } = recordingConsumers()
    const process = consumers.start()
    consumers.publish('a', ['x'], { keys: [key('k', 'x')] })
    const [repeat] = consumers.publish('a', ['x'], { keys: [key('k', 'x')] })
    await consumers.clock.advance(50)
    expect(executed).toEqual(['x'])
    expect(consumers.messages('acked')).toHaveLength(2)
    expect(await consumers.bench.states([repeat as string])).toEqual(['succeeded'])
    expect(eventsOf(process.events, 'command.landed').map(({ outcome }) => outcome)).toEqual([
      'accepted',
      'duplicate',
    ])
  })
})
