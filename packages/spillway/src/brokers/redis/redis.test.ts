import { Redis } from 'ioredis'
import { type PrivateServer, requireServer, startRedis } from 'spillway-test-bed'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { stoppableMachine } from '../../../test/support/stoppable-machine.js'
import type { Broker, BrokerQueue, OutgoingMessage, TelemetryEvent } from '../../ports/index.js'
import { Consumer } from '../../testing/broker-contract/consumer.js'
import { machine } from '../driver/index.js'
import { redis } from './index.js'
import { GROUP, keysOf } from './names.js'
import { type RedisBrokerOptions, settingsOf } from './options.js'
import { RedisBroker } from './redis-broker.js'
import { dangers, type ServerSettings } from './server-settings.js'

/** Far longer than anything takes but a hang. */
const PATIENCE = { timeout: 20_000 }

const MAIN: readonly BrokerQueue[] = [{ name: 'main', partitions: null }]
const ORDERED: readonly BrokerQueue[] = [{ name: 'main', partitions: 8 }]
const CONFIRMED = { status: 'confirmed' }
/** For tests of what others get from a consumer that says nothing. */
const SOON: RedisBrokerOptions = { ackWait: '1s' }

function message(id: string, options: Partial<OutgoingMessage> = {}): OutgoingMessage {
  return { id, queue: 'main', partition: null, contentType: 'text/plain', body: Buffer.from(id), ...options }
}

function rejection(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => null,
    (error: unknown) => error,
  )
}

describe('the options of redis()', () => {
  it.each(['', 'http://one', 'me:secret@one', 'redis://me:secret@one:x'])(
    'refuse the url %j and do not show it',
    (url) => {
      const refused = (): unknown => redis(url)
      expect(refused).toThrow(expect.objectContaining({ code: 'invalid_config' }))
      expect(refused).not.toThrow(/secret/)
    },
  )

  it.each([
    { prefix: '{a}' },
    { prefix: '' },
    { replicas: -1 },
    { ackWait: 0 },
  ] satisfies RedisBrokerOptions[])('refuse %j', (options) => {
    expect(() => redis('redis://one', options)).toThrow(expect.objectContaining({ code: 'invalid_config' }))
  })

  it('put all keys of a queue on one server of a cluster, whatever its name', () => {
    expect(keysOf('p', 'a{b}:refused')).toEqual({
      messages: 'p:{a%7Bb%7D%3Arefused}',
      refused: 'p:{a%7Bb%7D%3Arefused}:refused',
      turn: 'p:{a%7Bb%7D%3Arefused}:turn',
    })
  })
})

describe('the name that a server is asked for over TLS', () => {
  const ca = 'an authority'
  it.each<[string, string, RedisBrokerOptions['connection'], object | undefined]>([
    ['is the one of the url', 'rediss://one.test', {}, { servername: 'one.test' }],
    ['comes on top of other settings', 'rediss://one.test', { tls: { ca } }, { ca, servername: 'one.test' }],
    [
      'is the one given',
      'rediss://one.test',
      { tls: { servername: 'two.test' } },
      { servername: 'two.test' },
    ],
    ['is the one that is connected to', 'redis://one', { host: 'two', tls: {} }, { servername: 'two' }],
    ['is none without TLS', 'redis://one.test', {}, undefined],
    ['is none for an address', 'rediss://[::1]', { tls: { ca } }, { ca }],
    ['is none for what sentinels name', 'rediss://one', { sentinels: [{ host: 'two' }] }, undefined],
  ])('%s', (_, url, connection, tls) => {
    expect(settingsOf(url, { connection: connection ?? {} }).connection.tls).toEqual(tls)
  })
})

describe('settings of a server that lose messages', () => {
  const safe: ServerSettings = {
    ...{ version: '7.0.15', appendOnly: true, appendFsync: 'always', evicts: false, bulkBytesMax: null },
  }
  const options = settingsOf('redis://one', {})

  it('are none when it is as safe as it can be, or does not say', () => {
    expect(dangers(safe, options)).toEqual([])
    expect(dangers({ ...safe, appendOnly: null, appendFsync: null, evicts: null }, options)).toEqual([])
  })

  it.each<[Partial<ServerSettings>, RegExp]>([
    [{ appendOnly: false }, /appendonly is no.*Set appendonly to yes/],
    [{ appendFsync: 'everysec' }, /appendfsync is everysec: a power cut takes about a second/],
    [{ appendFsync: 'no' }, /appendfsync is no/],
    [{ evicts: true }, /maxmemory-policy/],
  ])('are told: %j', (found, said) => {
    expect(dangers({ ...safe, ...found }, options)).toEqual([expect.stringMatching(said)])
  })

  it('leave out what each confirmation waits for', () => {
    expect(dangers({ ...safe, appendFsync: 'everysec' }, { ...options, isSynced: true })).toEqual([])
  })
})

requireServer(describe, 'redis', { isPrivate: true })('the Redis driver', () => {
  let server: PrivateServer
  let admin: Redis
  let made = 0
  let prefix = ''
  beforeAll(async () => {
    server = await startRedis({ settings: { appendonly: 'yes', appendfsync: 'always' } })
    admin = new Redis(server.url)
  })
  afterAll(async () => {
    admin.disconnect()
    await server.stop()
  })

  function fresh(): string {
    made += 1
    prefix = `case-${made}`
    return keysOf(prefix, 'main').messages
  }

  function brokerOn(options: RedisBrokerOptions = {}, { url = server.url, own = machine } = {}): Broker {
    const broker = new RedisBroker(
      settingsOf(url, { prefix, reconnectDelay: 50, ackWait: '10s', connectTimeout: '20s', ...options }),
      own,
    )
    onTestFinished(() => broker.close())
    return broker
  }

  async function opened(queues = MAIN, ...rest: Parameters<typeof brokerOn>): Promise<Broker> {
    const broker = brokerOn(...rest)
    await broker.open(queues)
    return broker
  }

  async function startOther(settings: Readonly<Record<string, string>>): Promise<PrivateServer> {
    const other = await startRedis({ settings })
    onTestFinished(() => other.stop())
    return other
  }

  it('removes what was acknowledged, and nothing else', async () => {
    const key = fresh()
    const broker = await opened()
    await broker.publish([message('a'), message('b'), message('c')])
    const consumer = await Consumer.on(broker)
    for (const delivery of await consumer.received(3)) if (delivery.id !== 'b') delivery.ack()
    await expect.poll(() => admin.xlen(key), PATIENCE).toBe(1)
    expect(await broker.state()).toEqual([{ queue: 'main', waiting: 0, delivered: 1, refused: 0 }])
  })

  it('delivers what others wrote, as far as it can be understood', async () => {
    const key = fresh()
    const consumer = await Consumer.on(await opened())
    await admin.xadd(key, '*', 'body', '{}', 'Content-Type', 'application/cloudevents+json')
    await admin.xadd(key, '*', 'other', 'thing', 'headers', '{"a":1,"b":"c"')
    await admin.xadd(key, '*', 'id', 'x', 'headers', '{"a":1,"b":"c"}')
    expect(await consumer.received(3)).toMatchObject([
      { id: null, contentType: 'application/cloudevents+json', headers: {} },
      { id: null, contentType: null, headers: {}, body: new Uint8Array(0) },
      { id: 'x', headers: { b: 'c' } },
    ])
  })

  it('goes on when the server has forgotten its scripts', async () => {
    const key = fresh()
    const broker = await opened()
    const consumer = await Consumer.on(broker, { each: (delivery) => delivery.ack() })
    await broker.publish([message('a')])
    await expect.poll(() => admin.xlen(key), PATIENCE).toBe(0)
    await admin.script('FLUSH')
    await broker.publish([message('b')])
    await expect.poll(() => admin.xlen(key), PATIENCE).toBe(0)
    expect(consumer.ids).toEqual(['a', 'b'])
  })

  it('is in doubt on a server that is no primary any more, and finds it again', async () => {
    fresh()
    const other = await startOther({})
    const control = new Redis(other.url)
    onTestFinished(() => control.disconnect())
    const broker = await opened(MAIN, { publishTimeout: '2s' }, { url: other.url, own: machine })
    const consumer = await Consumer.on(broker)
    await control.replicaof('127.0.0.1', '1')
    expect(await broker.publish([message('a')])).toMatchObject([
      { status: 'unknown', error: { code: 'broker_unavailable' } },
    ])
    await control.replicaof('NO', 'ONE')
    await expect
      .poll(async () => (await broker.publish([message('a')]))[0]?.status, PATIENCE)
      .toBe('confirmed')
    await consumer.receivedAll(['a'])
  })

  it('is in doubt while the server has no memory left', async () => {
    fresh()
    const other = await startOther({ maxmemory: '8mb', 'maxmemory-policy': 'noeviction' })
    const broker = await opened(MAIN, {}, { url: other.url, own: machine })
    const body = new Uint8Array(1024 * 1024)
    const verdicts = []
    for (const id of 'abcdefghij') verdicts.push(...(await broker.publish([message(id, { body })])))
    expect(verdicts[0]).toEqual(CONFIRMED)
    expect(verdicts.at(-1)).toMatchObject({ status: 'unknown', error: { code: 'broker_unavailable' } })
    const emptying = await opened(MAIN, {}, { url: other.url, own: machine })
    const consumer = await Consumer.on(emptying, { each: (delivery) => delivery.ack() })
    await consumer.receivedAll(['a'])
    await expect
      .poll(async () => (await broker.publish([message('z')]))[0]?.status, PATIENCE)
      .toBe('confirmed')
  })

  it('confirms what enough replicas have, and is in doubt about the rest', async () => {
    fresh()
    const primary = await startOther({ 'repl-diskless-sync-delay': '0' })
    const broker = await opened(
      MAIN,
      { replicas: 1, publishTimeout: '2s' },
      { url: primary.url, own: machine },
    )
    await vi.waitFor(async () => {
      const [verdict] = await broker.publish([message('a')])
      expect(verdict).toMatchObject({ status: 'unknown', error: { code: 'broker_unavailable' } })
      // Where the server's answer comes too late, the verdict says that instead.
      expect(verdict).toMatchObject({ error: { message: expect.stringContaining('0 of 1 replicas') } })
    }, PATIENCE)
    await startOther({ replicaof: `127.0.0.1 ${primary.port}` })
    await expect
      .poll(async () => (await broker.publish([message('b')]))[0]?.status, PATIENCE)
      .toBe('confirmed')
  })

  it('waits for the disk only where the server can', async () => {
    fresh()
    const version = /redis_version:(\d+)\.(\d+)/.exec(await admin.info('server'))
    const [major, minor] = [Number(version?.[1]), Number(version?.[2])]
    const opening = await rejection(brokerOn({ synced: true }).open(MAIN))
    if (major > 7 || (major === 7 && minor >= 2)) expect(opening).toBe(null)
    else
      expect(opening).toMatchObject({ code: 'broker_incompatible', message: expect.stringContaining('7.2') })
  })

  it('tells once of settings that lose messages, and does not open on them when it must not', async () => {
    fresh()
    const other = await startOther({ appendonly: 'no', 'maxmemory-policy': 'allkeys-lru' })
    const at = { url: other.url, own: machine }
    const events: TelemetryEvent[] = []
    const broker = brokerOn({}, at)
    await broker.open(MAIN, { record: (event) => events.push(event) })
    expect(events).toMatchObject([
      { event: 'fault', error: { message: expect.stringMatching(/appendonly is no.*maxmemory-policy/) } },
    ])
    expect(await rejection(brokerOn({ strict: true }, at).open(MAIN))).toMatchObject({
      code: 'broker_incompatible',
    })
    expect(await rejection(brokerOn({ strict: true }).open(MAIN))).toBe(null)
  })

  it('shows no password when it is wrong, and no message in an error', async () => {
    fresh()
    const other = await startOther({})
    const control = new Redis(other.url)
    await control.config('SET', 'requirepass', 'right')
    control.disconnect()
    const at = (password: string) => ({ url: `redis://:${password}@127.0.0.1:${other.port}`, own: machine })
    const error = await rejection(brokerOn({ connectTimeout: '1s' }, at('s3cret')).open(MAIN))
    expect(error).toMatchObject({ code: 'broker_unavailable' })
    expect(String((error as Error).stack)).not.toContain('s3cret')
    const broker = await opened(MAIN, {}, at('right'))
    expect(await broker.publish([message('a')])).toEqual([CONFIRMED])
    const key = keysOf(prefix, 'main').messages
    const client = new Redis(at('right').url)
    await client.multi().del(key).set(key, 'a text').exec()
    client.disconnect()
    const [verdict] = await broker.publish([message('private')])
    expect(verdict).toMatchObject({
      status: 'unknown',
      error: { message: expect.stringContaining('WRONGTYPE') },
    })
    expect(JSON.stringify(verdict)).not.toContain('private')
  })

  it('gives the message of a consumer that stands still to others, and its late answers change nothing', async () => {
    fresh()
    const stopped = stoppableMachine()
    const broker = await opened(MAIN, SOON, { url: server.url, own: stopped.machine })
    await broker.publish([message('a')])
    const still = await Consumer.on(broker, { credit: 1 })
    const [late] = await still.received(1)
    stopped.stop()
    const watch = await opened(MAIN, SOON)
    const other = await Consumer.on(watch)
    const [again] = await other.received(1)
    expect(again).toMatchObject({ id: 'a', redelivered: true })
    late?.ack()
    await broker.probe()
    expect(await watch.state()).toMatchObject([{ waiting: 0, delivered: 1 }])
    const ended = async (): Promise<unknown> => {
      // On a busy machine it may have come once more.
      for (const delivery of [...still.deliveries, ...other.deliveries]) delivery.ack()
      return watch.state()
    }
    await expect.poll(ended, PATIENCE).toMatchObject([{ waiting: 0, delivered: 0 }])
  })

  it('leaves a message with a consumer that is slow and alive', async () => {
    const key = fresh()
    const broker = await opened(MAIN, { ackWait: '1500ms' })
    await broker.publish([message('a')])
    const slow = await Consumer.on(broker)
    await slow.received(1)
    const other = await Consumer.on(await opened(MAIN, { ackWait: '1500ms' }))
    const idleMs = async (): Promise<number> =>
      Number(((await admin.xpending(key, GROUP, '-', '+', 1)) as [[string, string, number, number]])[0][2])
    // Its idle time falls each time it says that it works on it.
    let falls = 0
    let before = await idleMs()
    await expect
      .poll(
        async () => {
          const now = await idleMs()
          if (now < before) falls += 1
          before = now
          return falls
        },
        { ...PATIENCE, interval: 20 },
      )
      .toBeGreaterThan(8)
    expect(other.ids).toEqual([])
  })

  it('forgets consumers that left nothing behind', async () => {
    const key = fresh()
    const broker = await opened()
    const consumer = await Consumer.on(broker)
    await broker.publish([message('a')])
    await consumer.received(1)
    await consumer.close()
    const names = ((await admin.xinfo('CONSUMERS', key, GROUP)) as string[][]).map((one) => one[1])
    expect(names).toEqual(['released'])
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

  it('gives the turn of who stands still to the next, with what it had and in order', async () => {
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
    // Each has them in order; on a busy machine, where a turn may be over sooner than it should, more than once.
    expect([[...new Set(first.ids)], [...new Set(second.ids)]]).toEqual([
      ['a', 'b'],
      ['a', 'b', 'c'],
    ])
  })
})
