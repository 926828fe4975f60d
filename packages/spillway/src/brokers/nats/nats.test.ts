import { DiscardPolicy, jetstreamManager, StorageType, type StreamConfig } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { type PrivateServer, requireServer, startNats } from 'spillway-test-bed'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { stoppableMachine } from '../../../test/support/stoppable-machine.js'
import type { Broker, BrokerQueue, OutgoingMessage, TelemetryEvent } from '../../ports/index.js'
import { Consumer } from '../../testing/broker-contract/consumer.js'
import { FaultProxy } from '../../testing/fault-proxy/index.js'
import { isAtLeast, type Machine, machine } from '../driver/index.js'
import { nats } from './index.js'
import { namesOf } from './names.js'
import { NatsBroker } from './nats-broker.js'
import { type NatsOptions, settingsOf } from './options.js'
import { BEATS_PER_ACK_WAIT } from './reader.js'

/** Far longer than anything takes but a hang. */
const PATIENCE = { timeout: 20_000 }

const MAIN = [{ name: 'main', partitions: null }]
const ORDERED = [{ name: 'main', partitions: 8 }]
/** For tests of what others get from a consumer that says nothing. */
const SOON_MS = 1_000
const SOON: NatsOptions = { ackWait: SOON_MS }

function message(id: string, options: Partial<OutgoingMessage> = {}): OutgoingMessage {
  return { id, queue: 'main', partition: null, contentType: 'text/plain', body: Buffer.from(id), ...options }
}

function rejection(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => null,
    (error: unknown) => error,
  )
}

/** A machine that tells when whoever reads has said the next time that it works on what it has: it sets itself a timer for the one after. */
function beating(own: Machine): { readonly own: Machine; beaten(): Promise<void> } {
  const waiting: (() => void)[] = []
  const schedule: Machine['schedule'] = (ms, run) => {
    if (ms === SOON_MS / BEATS_PER_ACK_WAIT) for (const tell of waiting.splice(0)) tell()
    return own.schedule(ms, run)
  }
  return {
    own: { ...own, schedule },
    beaten: () => new Promise((resolve) => waiting.push(resolve)),
  }
}

describe('the urls of nats()', () => {
  it('names servers and credentials', () => {
    expect(settingsOf('nats://me:p%40ss@one:4222, nats://two', {}).connection).toEqual({
      ...{ servers: ['one:4222', 'two'], user: 'me', pass: 'p@ss' },
    })
    expect(settingsOf(['tls://secret@one'], {}).connection).toEqual({
      servers: ['one'],
      tls: { checkServerIdentity: expect.any(Function) },
      token: 'secret',
    })
  })

  it.each(['', 'http://one', 'nats://me:secret@', 'me:secret@one', 'nats://me:sec/ret@one:x'])(
    'refuses %j and does not show it',
    (url) => {
      const refused = (): unknown => nats(url)
      expect(refused).toThrow(expect.objectContaining({ code: 'invalid_config' }))
      expect(refused).not.toThrow(/secret|sec\/ret/)
    },
  )

  it.each([
    { prefix: 'a.b' },
    { prefix: 'a b' },
    { prefix: '' },
    { replicas: 0 },
    { ackWait: 0 },
  ] satisfies NatsOptions[])('refuses the options %j', (options) => {
    expect(() => nats('nats://one', options)).toThrow(expect.objectContaining({ code: 'invalid_config' }))
  })
})

describe('names on a NATS server', () => {
  const { subject } = namesOf('p')

  it('are plain where the queue is', () => {
    expect(subject('letters_2-a')).toBe('p.letters_2-a')
  })

  it('give nothing to a queue that means something in subjects', () => {
    for (const name of ['a.b', '*', '>', 'a.>', 'a b', 'a\r\nPUB x', '$JS', 'ü', '=2e', 'a'.repeat(100)])
      expect(subject(name)).toMatch(/^p\.[A-Za-z0-9=_-]+$/)
  })

  it('differ for different queues, however long', () => {
    const names = ['a.b', 'a=2eb', 'a-b', 'A.b', '.'.repeat(99), '.'.repeat(100), `${'.'.repeat(99)}a`]
    expect(new Set(names.map(subject)).size).toBe(names.length)
    for (const name of names) expect(subject(name).length).toBeLessThan(200)
  })
})

requireServer(describe, 'nats', { isPrivate: true })('the NATS driver', () => {
  let server: PrivateServer
  let made = 0
  let prefix = ''
  /** A version that it warns of. */
  let isOld = false
  beforeAll(async () => {
    server = await startNats()
    const connection = await connect({ servers: `127.0.0.1:${server.port}` })
    isOld = !isAtLeast(connection.info?.version ?? '0', [2, 10, 25])
    await connection.close()
  })
  afterAll(() => server.stop())

  function fresh(): void {
    made += 1
    prefix = `case-${made}`
  }

  function brokerOn(options: NatsOptions = {}, { url = server.url, own = machine } = {}): Broker {
    const broker = new NatsBroker(
      settingsOf(url, { prefix, reconnectDelay: 50, ackWait: '10s', connectTimeout: '20s', ...options }),
      own,
    )
    onTestFinished(() => broker.close())
    return broker
  }

  async function opened(
    queues: readonly BrokerQueue[] = MAIN,
    ...rest: Parameters<typeof brokerOn>
  ): Promise<Broker> {
    const broker = brokerOn(...rest)
    await broker.open(queues)
    return broker
  }

  async function withStream(config: Partial<StreamConfig>): Promise<void> {
    const connection = await connect({ servers: `127.0.0.1:${server.port}` })
    const { streams } = await jetstreamManager(connection)
    await streams.add({ name: prefix, subjects: [`${prefix}.>`], ...config })
    await connection.close()
  }

  it('keeps a message that is sent again once', async () => {
    fresh()
    const broker = await opened()
    await broker.publish([message('a')])
    expect(await broker.publish([message('a'), message('b')])).toEqual([
      { status: 'confirmed' },
      { status: 'confirmed' },
    ])
    expect(await broker.state()).toEqual([{ queue: 'main', waiting: 2, delivered: 0, refused: 0 }])
  })

  it.each<[string, Partial<StreamConfig>]>([
    ['in memory', { storage: StorageType.Memory, retention: 'workqueue' }],
    ['that keeps what was acknowledged', { retention: 'limits' }],
    ['that throws away the oldest', { retention: 'workqueue', max_msgs: 10, discard: DiscardPolicy.Old }],
    ['that throws away by age', { retention: 'workqueue', max_age: 1e12 }],
    ['of other subjects', { retention: 'workqueue', subjects: ['others.main'] }],
  ])('does not open on a stream %s', async (_, config) => {
    fresh()
    await withStream(config)
    expect(await rejection(brokerOn().open(MAIN))).toMatchObject({
      ...{ code: 'broker_incompatible', message: expect.stringContaining(`stream ${prefix} exists without`) },
    })
  })

  it('opens on a stream that an operator has limited without losing anything, and says when it is full', async () => {
    fresh()
    await withStream({ retention: 'workqueue', max_msgs: 1, discard: DiscardPolicy.New })
    const broker = await opened()
    const [first, second] = await broker.publish([message('a'), message('b')])
    expect(first).toEqual({ status: 'confirmed' })
    expect(second).toMatchObject({ status: 'unknown', error: { code: 'broker_unavailable' } })
  })

  it('does not open when others wait for acknowledgements longer or shorter', async () => {
    fresh()
    await opened()
    const error = await rejection(brokerOn({ ackWait: '2s' }).open(MAIN))
    expect(error).toMatchObject({ code: 'broker_incompatible', message: expect.stringContaining('ackWait') })
  })

  it('says how large a message may be', async () => {
    fresh()
    const small = await startNats({ settings: ['max_payload: 64KB'] })
    onTestFinished(() => small.stop())
    const broker = await opened(MAIN, {}, { url: small.url, own: machine })
    const { messageBytesMax } = broker.capabilities
    expect(messageBytesMax).toBeLessThan(64 * 1024)
    const body = new Uint8Array(messageBytesMax)
    const headers = { large: 'x'.repeat(16_000) }
    const verdicts = await broker.publish([message('a', { body }), message('b', { body, headers })])
    expect(verdicts).toMatchObject([
      { status: 'confirmed' },
      { status: 'refused', error: { code: 'payload_too_large' } },
    ])
  })

  it('keeps a refused message that has no room for its reason', async () => {
    fresh()
    const broker = await opened()
    const consumer = await Consumer.on(broker)
    const connection = await connect({ servers: `127.0.0.1:${server.port}` })
    await (await jetstreamManager(connection))
      .jetstream()
      .publish(`${prefix}.main`, new Uint8Array(1024 * 1024))
    await connection.close()
    const [delivery] = await consumer.received(1)
    expect(delivery).toMatchObject({ id: null, contentType: null, headers: {} })
    delivery?.refuse('nobody can read it')
    await expect
      .poll(() => broker.state(), PATIENCE)
      .toMatchObject([{ waiting: 0, delivered: 0, refused: 1 }])
  })

  it('shows no password when it is wrong', async () => {
    fresh()
    const closed = await startNats({ settings: ['authorization { user: me, password: right }'] })
    onTestFinished(() => closed.stop())
    const at = (password: string): string => `nats://me:${password}@127.0.0.1:${closed.port}`
    const error = await rejection(brokerOn({}, { url: at('s3cret'), own: machine }).open(MAIN))
    expect(error).toMatchObject({ code: 'broker_unavailable' })
    expect(String((error as Error).stack)).not.toContain('s3cret')
    const broker = await opened(MAIN, {}, { url: at('right'), own: machine })
    expect(await broker.publish([message('a')])).toEqual([{ status: 'confirmed' }])
  })

  it('goes on after its stream was removed', async () => {
    fresh()
    const broker = await opened()
    const consumer = await Consumer.on(broker)
    const connection = await connect({ servers: `127.0.0.1:${server.port}` })
    await (await jetstreamManager(connection)).streams.delete(prefix)
    await connection.close()
    await expect
      .poll(async () => (await broker.publish([message('a')]))[0]?.status, PATIENCE)
      .toBe('confirmed')
    await consumer.receivedAll(['a'])
  })

  it('tells of a server whose consumers may stand still after a kill', async () => {
    fresh()
    const events: TelemetryEvent[] = []
    await brokerOn().open(MAIN, { record: (event) => events.push(event) })
    const told = { event: 'fault', error: { message: expect.stringContaining('2.10.25 or later') } }
    expect(events).toMatchObject(isOld ? [told] : [])
  })

  it('tells of a connection that was lost, once, and of the next', async () => {
    fresh()
    const proxy = await FaultProxy.listen({ port: server.port })
    onTestFinished(() => proxy.close())
    const broker = brokerOn({}, { url: `nats://127.0.0.1:${proxy.port}`, own: machine })
    const events: TelemetryEvent[] = []
    await broker.open(MAIN, { record: (event) => events.push(event) })
    // What it says of the server itself is said by now, and not once more after the next connection.
    const ofServer = events.splice(0)
    expect(ofServer).toEqual(isOld ? [expect.objectContaining({ event: 'fault' })] : [])
    proxy.refuse()
    proxy.cutAll()
    expect(await broker.publish([message('a')])).toMatchObject([{ status: 'unknown' }])
    proxy.reset()
    await expect
      .poll(async () => (await broker.publish([message('a')]))[0]?.status, PATIENCE)
      .toBe('confirmed')
    expect(events).toMatchObject([
      { event: 'fault', where: 'broker.nats', error: { code: 'broker_unavailable' } },
      { event: 'lifecycle', what: 'broker reconnected' },
    ])
  })

  it('leaves a message with a consumer that is slow and alive', async () => {
    fresh()
    const options: NatsOptions = { ackWait: '2s' }
    const broker = await opened(MAIN, options)
    await broker.publish([message('a')])
    const slow = await Consumer.on(broker, { credit: 1 })
    const [held] = await slow.received(1)
    // Longer than the server waits for one that says nothing: what such a one has takes that long to come to others.
    const stopped = stoppableMachine()
    const at = { url: server.url, own: stopped.machine }
    const dead = await Consumer.on(await opened(MAIN, options, at), { credit: 1 })
    await broker.publish([message('b')])
    await dead.received(1)
    stopped.stop()
    const other = await Consumer.on(await opened(MAIN, options))
    await other.receivedAll(['b'])
    expect(other.ids).not.toContain('a')
    held?.ack()
    expect(slow.ids).toEqual(['a'])
  })

  it('gives the message of a consumer that stands still to others, and sends none of its late answers', async () => {
    fresh()
    const stopped = stoppableMachine()
    const { own, beaten } = beating(stopped.machine)
    const broker = await opened(MAIN, SOON, { url: server.url, own })
    await broker.publish([message('a')])
    const still = await Consumer.on(broker)
    const [late] = await still.received(1)
    // From then on the server counts no sooner than the consumer does, however late the message itself was read.
    await beaten()
    stopped.stop()
    const watch = await opened(MAIN, SOON)
    const other = await Consumer.on(watch)
    const [again] = await other.received(1)
    expect(again).toMatchObject({ id: 'a', redelivered: true })
    late?.ack()
    await broker.probe()
    expect(await watch.state()).toMatchObject([{ delivered: 1 }])
    const ended = async (): Promise<unknown> => {
      // On a busy machine it may have come once more.
      for (const delivery of other.deliveries) delivery.ack()
      return watch.state()
    }
    await expect.poll(ended, PATIENCE).toMatchObject([{ waiting: 0, delivered: 0 }])
  })

  it('has an ordered queue read by one at a time, and by the next when that one leaves', async () => {
    fresh()
    const [one, two] = [await opened(ORDERED), await opened(ORDERED)]
    const first = await Consumer.on(one, { each: (delivery) => delivery.ack() })
    await one.publish([message('a', { partition: 1 })])
    await first.received(1)
    const second = await Consumer.on(two, { each: (delivery) => delivery.ack() })
    await one.publish([message('b', { partition: 2 }), message('c', { partition: 3 })])
    await first.received(3)
    await first.close()
    await one.publish([message('d', { partition: 1 })])
    await second.received(1)
    expect([first.ids, second.ids]).toEqual([['a', 'b', 'c'], ['d']])
  })

  it('gives the turn of who stands still to the next, with what it had', async () => {
    fresh()
    const stopped = stoppableMachine()
    const first = await Consumer.on(await opened(ORDERED, SOON, { url: server.url, own: stopped.machine }))
    const other = await opened(ORDERED, SOON)
    await other.publish([message('a'), message('b')])
    await first.received(2)
    const second = await Consumer.on(other)
    stopped.stop()
    await second.receivedAll(['a', 'b'])
    await other.publish([message('c')])
    await second.receivedAll(['c'])
    expect(new Set(first.ids)).toEqual(new Set(['a', 'b']))
  })
})
