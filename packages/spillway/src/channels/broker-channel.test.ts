import { describe, expect, it } from 'vitest'
import { brokerParts } from '../../test/support/broker-parts.js'
import { channelRig, command, QUEUE, type RigOptions, watch } from '../../test/support/channel-rig.js'
import { type BrokerChannelOptions, brokerChannel } from '../config/index.js'
import { decodeEnvelope, eventChunk, readCloudEvent } from '../domain/index.js'
import { SpillwayError } from '../errors/index.js'
import type { Broker, OutgoingMessage } from '../ports/index.js'
import { MemoryBroker, type MemoryBrokerOptions, MemoryBrokerServer } from '../testing/memory-broker/index.js'
import { VirtualClock } from '../testing/virtual-clock.js'
import { PUBLISH_DEADLINE_MS } from './publisher.js'

const keyed = (options = {}) =>
  command('click', {
    idempotencyKey: (click) => (click as { id: string }).id,
    handleBatch: async () => {},
    ...options,
  })
const plain = (options = {}) => command('plain', { handleBatch: async () => {}, ...options })
const click = (id: string, site = 1) => ({ id, site })
const PARTITIONS = 4

interface BrokerRigOptions extends RigOptions {
  readonly channel?: BrokerChannelOptions
  readonly server?: Omit<MemoryBrokerOptions, 'clock'>
  /** In front of the memory broker. */
  readonly around?: (broker: Broker) => Broker
}

async function brokerRig(commands = [keyed()], options: BrokerRigOptions = {}) {
  const { channel = {}, server: serverOptions, around = (broker) => broker, ...rigOptions } = options
  const clock = new VirtualClock()
  const server = new MemoryBrokerServer({ clock, ...serverOptions })
  const broker = new MemoryBroker(server)
  const partitions = options.queue?.ordered === undefined ? null : PARTITIONS
  const opening = broker.open([{ name: QUEUE, partitions }])
  await clock.advance(100)
  await opening
  const spec = brokerChannel(around(broker), channel, 'memory')
  const rig = channelRig(spec, commands, { ...rigOptions, clock })
  const chunks = () => server.waiting(QUEUE).map(({ body }) => decodeEnvelope(body))
  return { ...rig, server, broker, chunks }
}

describe('broker channel', () => {
  it('sends the commands of one moment as one chunk and gives receipts once the broker has it', async () => {
    const rig = await brokerRig([keyed()], { server: { latencyMs: 5 } })
    const answers = watch([rig.submit(click('a')), rig.submit(click('b'))])
    await rig.clock.advance(9)
    expect(answers.values).toEqual([undefined, undefined])
    await rig.clock.advance(1)
    const [first, second] = answers.values
    expect(first).toEqual({
      ...{ id: expect.stringMatching(/^[0-9a-f]{32}-0$/), status: 'accepted', durability: 'broker' },
      ...{ type: 'click', queue: QUEUE, acceptedAt: rig.clock.now() },
    })
    expect(second?.id).toBe(first?.id.replace(/0$/, '1'))
    const [chunk, ...others] = rig.chunks()
    expect(others).toEqual([])
    expect(chunk).toMatchObject({
      ...{ id: first?.id.slice(0, 32), queue: QUEUE, type: 'click', size: 2, parked: null },
      ...{ body: '[{"id":"a","site":1},{"id":"b","site":1}]', keys: [{ key: 'a' }, { key: 'b' }] },
    })
    expect(rig.faulting.appendedAt).toEqual([])
    expect(rig.recorded('chunk.committed')).toMatchObject([{ queue: QUEUE, type: 'click', commands: 2 }])
  })

  it('says of a command that is on its way that it is accepted, or when it is due', async () => {
    const rig = await brokerRig([plain()])
    const runAt = rig.clock.now() + 60_000
    const answers = watch([rig.submit(1, { priority: 3 }), rig.submit(2, { runAt })])
    await rig.clock.advance(0)
    const [now, later] = answers.values.map((receipt) => receipt?.id ?? '')
    expect(rig.channel.lookupSent(now ?? '')).toMatchObject({
      ...{ id: now, type: 'plain', queue: QUEUE, state: 'accepted', priority: 3, nextAt: null, attempts: 0 },
    })
    expect(rig.channel.lookupSent(later ?? '')).toMatchObject({ state: 'scheduled', nextAt: runAt })
    expect(rig.channel.lookupSent((now ?? '').replace(/0$/, '1'))).toBeNull()
    expect(rig.channel.lookup(now ?? '')).toBeNull()
    expect(rig.chunks().map(({ priority, parked }) => [priority, parked])).toEqual([
      [3, null],
      [0, [{ state: 'scheduled', nextAt: runAt, attempts: 0, error: null }]],
    ])
  })

  it('answers a repeat with the first command, under way or confirmed, and sends it once', async () => {
    const rig = await brokerRig([keyed()], { server: { latencyMs: 5 } })
    const submits = [rig.submit(click('a')), rig.submit(click('a'))]
    const answers = watch(submits)
    await rig.clock.advance(1)
    const meanwhile = watch([rig.submit(click('a')), rig.submit(click('a', 2))])
    await rig.clock.advance(9)
    const later = watch([rig.submit(click('a')), rig.submit(click('a', 2))])
    await rig.clock.advance(0)
    const first = answers.values[0]
    expect(first?.status).toBe('accepted')
    for (const repeat of [answers.values[1], meanwhile.values[0], later.values[0]])
      expect(repeat).toMatchObject({ status: 'duplicate', id: first?.id, acceptedAt: first?.acceptedAt })
    expect([meanwhile.errors[1], later.errors[1]]).toEqual(['idempotency_conflict', 'idempotency_conflict'])
    expect(rig.chunks().map(({ size }) => size)).toEqual([1])
  })

  it('lets go of the key of a command that was not taken, and refuses those that repeated it', async () => {
    const rig = await brokerRig()
    rig.server.refuse('no more today')
    const refused = watch([rig.submit(click('a')), rig.submit(click('a', 2))])
    await rig.clock.advance(0)
    expect(refused.errors).toEqual(['broker_incompatible', 'broker_incompatible'])
    rig.server.refuse(null)
    const again = watch([rig.submit(click('a', 2))])
    await rig.clock.advance(0)
    expect(again.values[0]).toMatchObject({ status: 'accepted' })
  })

  it('sends again, with the same id, what was not confirmed', async () => {
    const rig = await brokerRig([keyed()], { server: { confirmTimeoutMs: 100 } })
    rig.server.loseConfirms(1)
    const answers = watch([rig.submit(click('a'))])
    await rig.clock.advance(99)
    expect(answers.values).toEqual([undefined])
    await rig.clock.advance(PUBLISH_DEADLINE_MS)
    expect(answers.values[0]).toMatchObject({ status: 'accepted' })
    const ids = rig.chunks().map(({ id }) => id)
    expect(ids).toEqual([ids[0], ids[0]])
    expect(answers.values[0]?.id).toBe(`${ids[0]}-0`)
  })

  it('gives up what is not confirmed in time, then refuses at once what comes while the broker is away', async () => {
    const rig = await brokerRig([keyed(), plain()], {
      server: { confirmTimeoutMs: 1_000 },
      channel: { publishesMax: 2 },
    })
    rig.server.kill()
    const lost = rig.submit(click('a')).catch((error: SpillwayError) => error)
    await rig.clock.advance(PUBLISH_DEADLINE_MS)
    expect(await lost).toMatchObject({
      ...{ code: 'broker_unavailable', retryable: true },
      details: { broker: 'memory', outcome: 'unknown' },
    })
    rig.server.pause()
    // One asks whether it is back; what comes meanwhile does not wait for the answer.
    rig.server.restart()
    rig.server.pause()
    const probing = watch([rig.submit(click('b'))])
    await rig.clock.advance(1)
    const refused = watch([rig.submit(click('c'))])
    await rig.clock.advance(1)
    expect([probing.errors, refused.errors]).toEqual([[undefined], ['broker_unavailable']])
    rig.server.resume()
    await rig.clock.advance(1_000)
    expect(probing.values[0]).toMatchObject({ status: 'accepted' })
    const after = watch([rig.submit(click('c'))])
    await rig.clock.advance(0)
    expect(after.values[0]).toMatchObject({ status: 'accepted' })
  })

  it('refuses at once while the broker was never there, because nothing was sent', async () => {
    const unavailable = new SpillwayError('broker_unavailable', 'not open yet')
    const rig = await brokerRig([keyed()], {
      around: (broker) => ({
        ...brokerParts(broker),
        publish: async () => {
          throw unavailable
        },
      }),
    })
    const error = rig.submit(click('a')).catch((reason: unknown) => reason)
    await rig.clock.advance(0)
    expect(await error).toBe(unavailable)
  })

  it('takes a driver that breaks its word for one that did not answer', async () => {
    let calls = 0
    const rig = await brokerRig([keyed()], {
      around: (broker) => ({
        ...brokerParts(broker),
        publish: (messages) => {
          calls += 1
          if (calls === 1) return Promise.reject(new TypeError('not a function'))
          return calls === 2 ? Promise.resolve([]) : broker.publish(messages)
        },
      }),
    })
    const answers = watch([rig.submit(click('a'))])
    await rig.clock.advance(1_000)
    expect(answers.values[0]).toMatchObject({ status: 'accepted' })
  })

  it('does not take a refusal for an answer to what may be there already', async () => {
    const rig = await brokerRig([keyed()], { server: { confirmTimeoutMs: 100 } })
    rig.server.loseConfirms(1)
    const error = rig.submit(click('a')).catch((reason: SpillwayError) => reason)
    await rig.clock.advance(100)
    rig.server.refuse('full')
    await rig.clock.advance(1_000)
    expect(await error).toMatchObject({ code: 'broker_unavailable', details: { outcome: 'unknown' } })
  })

  it('cuts chunks to what a message may hold and refuses alone what does not fit by itself', async () => {
    const rig = await brokerRig([keyed()], { server: { messageBytesMax: 1_000 } })
    const large = { id: 'large', text: 'x'.repeat(1_000) }
    const answers = watch([
      ...Array.from({ length: 10 }, (_, index) => rig.submit(click(`${index}`.repeat(60)))),
      rig.submit(large),
    ])
    await rig.clock.advance(0)
    expect(answers.errors.filter((code) => code !== undefined)).toEqual(['payload_too_large'])
    expect(answers.errors.at(-1)).toBe('payload_too_large')
    for (const { body } of rig.server.waiting(QUEUE)) expect(body.byteLength).toBeLessThanOrEqual(1_000)
    const ids = rig
      .chunks()
      .flatMap(({ id, size }) => Array.from({ length: size }, (_, index) => `${id}-${index}`))
    expect(answers.values.slice(0, 10).map((receipt) => receipt?.id)).toEqual(ids)
    expect(rig.chunks().length).toBeGreaterThan(2)
  })

  it('has no more publishes under way than it may', async () => {
    const rig = await brokerRig([plain()], { server: { latencyMs: 5 }, channel: { publishesMax: 2 } })
    const answers = [rig.submit(1)]
    for (let moment = 0; moment < 3; moment += 1) {
      await rig.clock.advance(1)
      answers.push(rig.submit(moment + 2))
    }
    const seen = watch(answers)
    await rig.clock.advance(8)
    // The third and fourth command gathered while two publishes were under way.
    expect(rig.chunks().map(({ size }) => size)).toEqual([1, 1])
    await rig.clock.advance(20)
    expect(rig.chunks().map(({ size }) => size)).toEqual([1, 1, 2])
    expect(seen.errors).toEqual([undefined, undefined, undefined, undefined])
  })

  it('sends one message of a partition at a time, so that one that is sent again keeps its place', async () => {
    const ordered = (name: string) => command(name, { orderingKey: () => 'k', handle: async () => {} })
    let unconfirmed = 1
    const rig = await brokerRig([ordered('first'), ordered('second')], {
      queue: { ordered: { partitions: PARTITIONS } },
      around: (broker) => ({
        ...brokerParts(broker),
        // The very first message is lost, and whatever is sent beside it is not.
        publish: async (messages: readonly OutgoingMessage[]) => {
          const lost = messages.slice(0, unconfirmed)
          unconfirmed = 0
          const error = new SpillwayError('broker_unavailable', 'lost on the way')
          const verdicts = await broker.publish(messages.slice(lost.length))
          return [...lost.map(() => ({ status: 'unknown' as const, error })), ...verdicts]
        },
      }),
    })
    const answers = watch([rig.intake.submit('first', 1), rig.intake.submit('second', 2)])
    await rig.clock.advance(0)
    answers.values.push(...watch([rig.intake.submit('first', 3)]).values)
    await rig.clock.advance(1_000)
    expect(rig.chunks().map(({ body, partition }) => [body, partition])).toEqual(
      ['[1]', '[2]', '[3]'].map((body) => [body, expect.any(Number)]),
    )
  })

  it('sends an atomic submit as one message, or not at all', async () => {
    const rig = await brokerRig([keyed()], { server: { messageBytesMax: 1_000 } })
    const all = (...clicks: unknown[]) => rig.intake.submitMany('click', clicks, { atomic: true })
    const together = watch([all(click('a'), click('b'), click('a'))])
    await rig.clock.advance(0)
    expect(together.values[0]?.map((verdict) => verdict.ok && verdict.receipt.status)).toEqual([
      'accepted',
      'accepted',
      'duplicate',
    ])
    const tooMany = watch([all(...Array.from({ length: 20 }, (_, index) => click(`${index}`.repeat(60))))])
    const conflicting = watch([all(click('c'), click('a', 2))])
    const inItself = watch([all(click('d'), click('d', 2))])
    await rig.clock.advance(0)
    expect(codes(tooMany.values[0])).toEqual(new Array(20).fill('unsupported'))
    expect(codes(conflicting.values[0])).toEqual(['invalid_argument', 'idempotency_conflict'])
    expect(codes(inItself.values[0])).toEqual(['invalid_argument', 'idempotency_conflict'])
    expect(rig.chunks().map(({ size }) => size)).toEqual([2])
    const freed = watch([rig.submit(click('c')), rig.submit(click('d'))])
    await rig.clock.advance(0)
    expect(freed.values.map((receipt) => receipt?.status)).toEqual(['accepted', 'accepted'])
  })

  it('lets an atomic submit wait for what is known of its keys', async () => {
    const rig = await brokerRig([keyed()], { server: { latencyMs: 5 } })
    const first = watch([rig.submit(click('a'))])
    await rig.clock.advance(1)
    const atomic = watch([rig.intake.submitMany('click', [click('a', 2), click('b')], { atomic: true })])
    await rig.clock.advance(100)
    expect(first.values[0]).toMatchObject({ status: 'accepted' })
    expect(codes(atomic.values[0])).toEqual(['idempotency_conflict', 'invalid_argument'])
  })

  it('takes part in nobody’s transaction', async () => {
    const rig = await brokerRig()
    await expect(rig.submit(click('a'), { tx: {} })).rejects.toMatchObject({
      code: 'unsupported',
      details: { queue: QUEUE, channel: 'broker' },
    })
  })

  it('sends every command as a CloudEvent of its own where that is asked for', async () => {
    const rig = await brokerRig([keyed()], { channel: { envelope: 'cloudevents' } })
    const runAt = rig.clock.now() + 60_000
    const answers = watch([rig.submit(click('a')), rig.submit(click('b'), { runAt })])
    await rig.clock.advance(0)
    const events = rig.server.waiting(QUEUE).map((message) => {
      const event = readCloudEvent({ headers: {}, ...message })
      return event === null ? null : eventChunk(event)
    })
    expect(events).toMatchObject([
      { type: 'click', size: 1, body: '[{"id":"a","site":1}]', keys: [{ key: 'a' }], parked: null },
      { type: 'click', size: 1, parked: [{ state: 'scheduled', nextAt: runAt }] },
    ])
    expect(events.map((chunk) => `${chunk?.id}-0`)).toEqual(answers.values.map((receipt) => receipt?.id))
  })

  it('refuses what a tenant sends too fast without asking the store', async () => {
    const rig = await brokerRig([keyed({ tenantKey: () => 'one' })], {
      queue: { admission: { perTenant: { limit: 1, per: '1m' } }, tenants: {} },
    })
    const answers = watch([rig.submit(click('a')), rig.submit(click('b'))])
    await rig.clock.advance(0)
    expect(answers.errors).toEqual([undefined, 'quota_exceeded'])
    expect(rig.chunks().map(({ tenant }) => tenant)).toEqual(['one'])
    expect(rig.recorded('fault')).toEqual([])
  })

  it('answers what is under way before it is closed, and takes nothing after that', async () => {
    const rig = await brokerRig([keyed()], { server: { latencyMs: 5 } })
    const answers = watch([rig.submit(click('a'))])
    const closing = rig.channel.close()
    const late = watch([rig.submit(click('b'))])
    await rig.clock.advance(20)
    await closing
    expect([answers.values[0]?.status, late.errors]).toEqual(['accepted', ['closed']])
  })
})

function codes(verdicts: readonly ({ ok: true } | { ok: false; error: SpillwayError })[] | undefined) {
  return verdicts?.map((verdict) => (verdict.ok ? 'ok' : verdict.error.code))
}
