import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { DeliveriesBench, key } from '../../../test/worker/deliveries-kit.js'
import { command, eventsOf, range, type TestCommand } from '../../../test/worker/worker-kit.js'
import { ENVELOPE_CONTENT_TYPE, encodeEnvelope } from '../../domain/index.js'
import { SpillwayError } from '../../errors/index.js'

const CLOUD_EVENT = 'application/cloudevents+json'

function setUp(over: Omit<TestCommand, 'name'> = {}, more: readonly string[] = []) {
  const executed: unknown[] = []
  const calls: unknown[][] = []
  const handleBatch = (payloads: unknown[]): void => {
    calls.push(payloads)
    executed.push(...payloads)
  }
  const definitions = ['a', ...more].map((name) =>
    command({ name, handleBatch, ...(name === 'a' ? over : {}) }),
  )
  const consumers = new DeliveriesBench(definitions)
  return { consumers, executed, calls }
}

async function refusals(messages: readonly Parameters<DeliveriesBench['send']>[0][], bench = setUp()) {
  const { consumers, executed } = bench
  const process = consumers.start()
  for (const message of messages) consumers.send(message)
  consumers.publish('a', ['good'])
  await consumers.clock.advance(100)
  const refused = consumers.server.refused('default').map(({ reason }) => reason)
  expect(executed).toEqual(['good'])
  expect(eventsOf(process.events, 'delivery.refused').map(({ reason }) => reason)).toEqual(refused)
  expect(consumers.server.delivered('default')).toEqual([])
  return refused
}

describe('a message that cannot be read', () => {
  it('is refused with the reason, and does not hold up others', async () => {
    const { consumers } = setUp()
    const draft = consumers.draft('a', [1])
    const envelope = encodeEnvelope(draft)
    const chunk = (body: string | Uint8Array) => ({ contentType: ENVELOPE_CONTENT_TYPE, body })
    const reasons = await refusals([
      chunk(''),
      chunk('no lines'),
      chunk(Uint8Array.of(0xff, 0x0a, 0x0a, 0x31)),
      chunk(envelope.replace('"v":1', '"v":9')),
      chunk(encodeEnvelope({ ...draft, queue: 'other' })),
      ...['{"secret":1}', '[1,2]', 'secret', '[1'].map((body) =>
        chunk(encodeEnvelope(consumers.draft('a', [1], { body }))),
      ),
    ])
    expect(reasons).toHaveLength(9)
    expect(reasons.join()).not.toContain('secret')
    expect(reasons).toEqual([
      expect.stringContaining('three lines'),
      expect.stringContaining('three lines'),
      expect.stringContaining('UTF-8'),
      expect.stringContaining('version 9'),
      expect.stringContaining('queue other'),
      ...range(4).map(() => expect.stringContaining('not an array of 1 payloads')),
    ])
  })

  it('is refused where its partition has to be kept in order as well', async () => {
    const { consumers } = setUp()
    const draft = consumers.draft('a', [1], { partition: 3 })
    const [reason] = await refusals([
      { contentType: ENVELOPE_CONTENT_TYPE, body: encodeEnvelope({ ...draft, body: '[' }) },
    ])
    expect(reason).toContain('not an array')
  })

  it('is refused when it is no valid event, or of a type that the queue does not have', async () => {
    const event = { specversion: '1.0', id: '1', source: '/s', type: 'a', data: 1 }
    const send = (over: object) => ({ contentType: CLOUD_EVENT, body: JSON.stringify({ ...event, ...over }) })
    const reasons = await refusals([
      send({ specversion: '0.3' }),
      send({ type: 'z' }),
      send({ priority: 'high' }),
      send({ idempotencykey: 5 }),
      send({ idempotencykey: '' }),
      { contentType: CLOUD_EVENT, body: '{' },
      { contentType: 'application/cloudevents-batch+json', body: '[]' },
      { body: 'not json' },
    ])
    expect(reasons).toEqual([
      expect.stringContaining('version 1.0'),
      expect.stringContaining('type'),
      expect.stringContaining('priority'),
      expect.stringContaining('idempotencykey'),
      expect.stringContaining('idempotency key'),
      expect.stringContaining('not JSON'),
      expect.stringContaining('one of many'),
      expect.stringContaining('not JSON'),
    ])
  })

  it('is refused when its payload does not fit the schema, which may take its time', async () => {
    const input = z.object({ n: z.number() }).refine(async ({ n }) => n > 0, 'too small')
    const executed: unknown[] = []
    const definition = command({
      name: 'a',
      input,
      handle: (payload: unknown) => void executed.push(payload),
    } as never)
    const consumers = new DeliveriesBench([definition])
    consumers.start()
    for (const data of [{ n: 'secret' }, { n: -1 }, { n: 5 }]) consumers.send({ body: JSON.stringify(data) })
    await consumers.clock.advance(100)
    expect(executed).toEqual([{ n: 5 }])
    const reasons = consumers.server.refused('default').map(({ reason }) => reason)
    expect(reasons).toEqual([expect.stringContaining('/n'), expect.stringContaining('too small')])
    expect(reasons.join()).not.toContain('secret')
  })

  it('is refused when the store takes everything but it', async () => {
    const { consumers, executed } = setUp()
    const process = consumers.process()
    process.tamper.append = (call, drafts) => {
      if ((drafts as { body: string }[]).some(({ body }) => body.includes('poison')))
        return Promise.reject(Object.assign(new Error('value too long: poison'), { code: '22001' }))
      return call()
    }
    await consumers.clock.advance(1)
    process.worker.start()
    for (const payload of ['x', 'poison', 'y']) consumers.publish('a', [payload])
    await consumers.clock.advance(1_000)
    expect(executed).toEqual(['x', 'y'])
    expect(consumers.server.refused('default').map(({ reason }) => reason)).toEqual([
      'the store refuses it (22001)',
    ])
  })

  it('is kept when the store takes nothing at all', async () => {
    const { consumers, executed } = setUp()
    const process = consumers.process()
    const fails = (): Promise<never> =>
      Promise.reject(Object.assign(new Error('permission denied'), { code: '42501' }))
    process.tamper.append = fails
    const down = consumers.bench.real.probe
    Object.assign(consumers.bench.real, { probe: fails })
    await consumers.clock.advance(1)
    const failing = consumers.process({ workerId: 'w2' })
    failing.tamper.append = fails
    failing.worker.start()
    consumers.publish('a', [1])
    await consumers.clock.advance(60_000)
    expect(consumers.server.refused('default')).toEqual([])
    Object.assign(consumers.bench.real, { probe: down })
    delete failing.tamper.append
    await consumers.clock.advance(10_000)
    expect(executed).toEqual([1])
  })
})

describe('single commands of others', () => {
  it('make up chunks, and are executed once however they come again', async () => {
    const { consumers, executed, calls } = setUp()
    consumers.start()
    const send = (at: number) =>
      consumers.send({
        contentType: CLOUD_EVENT,
        body: JSON.stringify({ specversion: '1.0', id: `${at}`, source: '/shop', type: 'a', data: { at } }),
      })
    for (const at of range(50)) send(at)
    await consumers.clock.advance(100)
    expect(executed).toEqual(range(50).map((at) => ({ at })))
    expect(calls.length).toBeLessThan(5)
    expect((await consumers.bench.real.reader.accounting()).accepted).toBe(50)
    for (const at of [30, 7, 49]) send(at)
    await consumers.clock.advance(100)
    expect(executed).toHaveLength(50)
    expect(consumers.messages('acked')).toHaveLength(53)
  })

  it('are the command that their key says, and then what their type calls the same, and then the message', async () => {
    const { consumers, executed } = setUp()
    consumers.start()
    const event = { specversion: '1.0', source: '/shop', type: 'a', data: 'x' }
    const send = (over: object) =>
      consumers.send({ contentType: CLOUD_EVENT, body: JSON.stringify({ ...event, ...over }) })
    send({ id: '1', idempotencykey: 'k' })
    send({ id: '2', idempotencykey: 'k' })
    send({ id: '3' })
    send({ id: '3' })
    send({ id: '3', source: '/other' })
    await consumers.clock.advance(100)
    expect(executed).toHaveLength(3)

    const own = setUp({ idempotencyKey: (payload: unknown) => String(payload) })
    own.consumers.start()
    for (const id of ['1', '2'])
      own.consumers.send({ contentType: CLOUD_EVENT, body: JSON.stringify({ ...event, id }) })
    await own.consumers.clock.advance(100)
    expect(own.executed).toEqual(['x'])
  })

  it('come as binary events too', async () => {
    const { consumers, executed } = setUp({}, ['b'])
    consumers.start()
    const headers = { 'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': '/s', 'ce-type': 'b' }
    consumers.send({ headers, body: '{"n":1}' })
    consumers.send({ headers: { ...headers, 'ce-id': '2', 'ce-priority': '7' }, body: '{"n":2}' })
    await consumers.clock.advance(100)
    expect(executed.length).toBe(2)
  })

  it('that are a Spillway event are the chunk they were, found by the id on the receipt', async () => {
    const { consumers, executed } = setUp()
    consumers.start()
    const { encodeEventChunk } = await import('../../domain/index.js')
    const draft = consumers.draft('a', ['x'], { priority: 3, keys: [key('k', 'x')] })
    for (const _ of range(2)) consumers.send({ contentType: CLOUD_EVENT, body: encodeEventChunk(draft) })
    await consumers.clock.advance(100)
    expect(executed).toEqual(['x'])
    expect(await consumers.bench.states([`${draft.id}-0`])).toEqual(['succeeded'])
  })

  it('may be plain JSON where the queue has one type, and the message id is their key', async () => {
    const { consumers, executed } = setUp()
    consumers.start()
    consumers.send({ id: 'm1', body: '"x"' })
    consumers.send({ id: 'm1', body: '"x"' })
    consumers.send({ id: 'm2', body: '"x"' })
    await consumers.clock.advance(100)
    expect(executed).toEqual(['x', 'x'])
    const two = await refusals([{ body: '"x"' }], setUp({}, ['b']))
    expect(two).toEqual([expect.stringContaining('2 command types')])
  })

  it('are refused by a worker that takes chunks only', async () => {
    const { consumers, executed } = setUp()
    const process = consumers.process({ foreignCommands: undefined as never })
    await consumers.clock.advance(1)
    process.worker.start()
    consumers.send({ body: '"x"' })
    await consumers.clock.advance(100)
    expect(executed).toEqual([])
    expect(consumers.server.refused('default').map(({ reason }) => reason)).toEqual([
      expect.stringContaining('no other messages'),
    ])
  })

  it('survive a store that fails after it has committed, without being executed twice', async () => {
    const { consumers, executed } = setUp()
    const process = consumers.process()
    process.tamper.append = async (call) => {
      delete process.tamper.append
      await call()
      throw new SpillwayError('store_unavailable', 'the connection was lost')
    }
    await consumers.clock.advance(1)
    process.worker.start()
    for (const at of range(10)) consumers.send({ id: `m${at}`, body: `${at}` })
    await consumers.clock.advance(120_000)
    expect(executed.toSorted()).toEqual(range(10))
    expect(consumers.server.delivered('default')).toEqual([])
  })
})
