import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { brokerParts } from '../../../test/support/broker-parts.js'
import { SpillwayError } from '../../errors/index.js'
import { brokerChannel, defineCommand, type SpillwayConfig, type TelemetryEvent } from '../../index.js'
import type { Broker, Store } from '../../ports/index.js'
import { memory } from '../../stores/memory/index.js'
import { MemoryBroker, MemoryBrokerServer } from '../../testing/memory-broker/index.js'
import { seededRandom } from '../../testing/seeded-random.js'
import { VirtualClock } from '../../testing/virtual-clock.js'
import type { Spillway } from '../api.js'
import { type CreateOptions, createSpillway } from '../create-spillway.js'
// Otherwise loaded on demand, for which no clock of a test waits.
import '../../telemetry/prometheus.js'
import '../../worker/index.js'

const Click = z.object({ id: z.string() })
const record = defineCommand({
  ...{ name: 'click', queue: 'clicks', input: Click, idempotencyKey: (click: { id: string }) => click.id },
  handle: (click) => `seen ${click.id}`,
})
const other = defineCommand({ name: 'other', queue: 'others', input: Click, handle: () => undefined })

/** Moves the clock until the call is answered. */
async function drive<T>(clock: VirtualClock, call: Promise<T>, stepMs = 1): Promise<T> {
  let open = true
  const settled = () => {
    open = false
  }
  call.then(settled, settled)
  for (let steps = 0; open && steps < 100_000; steps += 1) await clock.advance(stepMs)
  return call
}

class Scene {
  readonly clock = new VirtualClock()
  readonly server = new MemoryBrokerServer({ clock: this.clock })
  readonly store: Store = memory({ clock: this.clock })
  readonly events: TelemetryEvent[] = []
  readonly #opened: Spillway[] = []

  /** A process of its own on the same store and broker. */
  async open(options: CreateOptions = {}, config: Partial<SpillwayConfig> = {}): Promise<Spillway> {
    const channel = brokerChannel(new MemoryBroker(this.server), {}, 'memory')
    const spillway = await this.drive(
      createSpillway(
        {
          store: this.store,
          commands: [record],
          queues: { clicks: { channel } },
          telemetry: [{ record: (event) => void this.events.push(event) }],
          ...config,
        },
        { clock: this.clock, random: seededRandom(1), logs: 'silent', ...options },
      ),
    )
    this.#opened.push(spillway)
    return spillway
  }

  drive<T>(call: Promise<T>): Promise<T> {
    return drive(this.clock, call)
  }

  faults(): string[] {
    return this.events.flatMap((event) => (event.event === 'fault' ? [event.where] : []))
  }

  async close(): Promise<void> {
    for (const spillway of this.#opened.splice(0)) await drive(this.clock, spillway.close(), 10)
  }
}

let scene = new Scene()
afterEach(async () => {
  await scene.close()
  scene = new Scene()
})

const check = async (spillway: Spillway) => {
  const { ready, checks } = await scene.drive(spillway.health())
  return { ready, broker: checks.find(({ name }) => name === 'broker memory')?.ok }
}

describe('a queue that travels by a broker', () => {
  it('runs the same handler, after a change of one line', async () => {
    const spillway = await scene.open()
    const receipt = await scene.drive(spillway.submit(record, { id: 'a' }))
    expect(receipt).toMatchObject({ status: 'accepted', durability: 'broker', queue: 'clicks' })
    expect(await scene.drive(spillway.outcome(receipt.id, { wait: '5s' }))).toMatchObject({
      ...{ id: receipt.id, state: 'succeeded', result: '"seen a"' },
    })
    expect(scene.server.waiting('clicks')).toEqual([])
    expect(await check(spillway)).toEqual({ ready: true, broker: true })
  })

  it('takes a CloudEvent for each command as well, under the id of its receipt', async () => {
    const channel = brokerChannel(new MemoryBroker(scene.server), { envelope: 'cloudevents' }, 'memory')
    const spillway = await scene.open({}, { queues: { clicks: { channel } } })
    const receipts = await scene.drive(spillway.submitMany(record, [{ id: 'a' }, { id: 'b' }]))
    for (const verdict of receipts)
      expect(
        await scene.drive(spillway.outcome(verdict.ok ? verdict.receipt.id : '', { wait: '5s' })),
      ).toMatchObject({
        state: 'succeeded',
      })
  })

  it('takes the single messages of others, checked as a submit is', async () => {
    const spillway = await scene.open()
    const message = (id: string, body: string) => ({
      ...{ id, queue: 'clicks', partition: null, contentType: 'application/json', body: Buffer.from(body) },
    })
    scene.server.keep(message('m1', '{"id":"a"}'))
    scene.server.keep(message('m2', '{"id":7}'))
    scene.server.keep(message('m3', '{"id":"a"}'))
    await scene.clock.advance(1_000)
    expect(await scene.drive(spillway.accounting())).toMatchObject({ accepted: 1, succeeded: 1 })
    expect(scene.server.refused('clicks')).toMatchObject([{ message: { id: 'm2' } }])
  })

  it('has one process say that a command is accepted, and another one that it knows nothing yet', async () => {
    const spillway = await scene.open({ roles: ['intake'] })
    const elsewhere = await scene.open({ roles: ['intake'] })
    const { id } = await scene.drive(spillway.submit(record, { id: 'a' }))
    expect(await scene.drive(spillway.outcome(id))).toMatchObject({ id, state: 'accepted', queue: 'clicks' })
    await expect(scene.drive(elsewhere.outcome(id))).rejects.toMatchObject({
      code: 'not_found',
      message: expect.stringMatching(/on its way by a journal or a broker/),
    })
    const waiting = spillway.outcome(id, { wait: '1m' })
    const worker = await scene.open({ roles: ['worker'] })
    expect(await scene.drive(waiting)).toMatchObject({ state: 'succeeded' })
    await scene.drive(worker.drain())
    expect(await scene.drive(elsewhere.outcome(id))).toMatchObject({ state: 'succeeded' })
  })

  it('tells of a repeat that another process took what became of the first, and of a conflict that it failed', async () => {
    const spillway = await scene.open({ roles: ['intake'] })
    const elsewhere = await scene.open({ roles: ['intake'] })
    const first = await scene.drive(spillway.submit(record, { id: 'a' }))
    const repeat = await scene.drive(elsewhere.submit(record, { id: 'a' }))
    const third = await scene.open({ roles: ['intake'] })
    const conflict = await scene.drive(third.submit(record, { id: 'b' }, { key: 'a' }))
    expect([repeat.status, conflict.status]).toEqual(['accepted', 'accepted'])
    const worker = await scene.open({ roles: ['worker'] })
    await scene.clock.advance(1_000)
    await scene.drive(worker.drain())
    expect(await scene.drive(spillway.outcome(first.id))).toMatchObject({ state: 'succeeded' })
    expect(await scene.drive(elsewhere.outcome(repeat.id, { wait: '5s' }))).toMatchObject({
      ...{ id: first.id, state: 'succeeded' },
    })
    expect(await scene.drive(spillway.outcome(conflict.id, { wait: '5s' }))).toMatchObject({
      ...{ state: 'failed', error: { code: 'idempotency_conflict' } },
    })
    expect(await scene.drive(worker.accounting())).toMatchObject({ succeeded: 1, failed: 1 })
  })

  it('cannot take back what is on its way, and does not say that it never was', async () => {
    const spillway = await scene.open({ roles: ['intake'] })
    const elsewhere = await scene.open({ roles: ['intake'] })
    const { id } = await scene.drive(spillway.submit(record, { id: 'a' }))
    expect(await scene.drive(spillway.cancel([id]))).toEqual(['conflict'])
    expect(await scene.drive(elsewhere.cancel([id]))).toEqual(['not_found'])
    expect(scene.server.waiting('clicks')).toHaveLength(1)
  })

  it('does not speak of a command as on its way that is older than the retention', async () => {
    const spillway = await scene.open({ roles: ['intake'] }, { maintenance: { retention: '1h' } })
    const { id } = await scene.drive(spillway.submit(record, { id: 'a' }))
    await scene.clock.advance(3_600_001)
    await expect(scene.drive(spillway.outcome(id))).rejects.toMatchObject({ code: 'expired' })
  })

  it('shows what waits on the broker, and what it does not know', async () => {
    const spillway = await scene.open({ roles: ['intake'] })
    await scene.drive(spillway.submit(record, { id: 'a' }))
    const clicks = async () => (await scene.drive(spillway.queues())).find(({ queue }) => queue === 'clicks')
    expect(await clicks()).toMatchObject({
      ...{ channel: 'broker', ready: 0 },
      broker: { name: 'memory', waiting: 1, delivered: 0, refused: 0 },
    })
    scene.server.pause()
    expect((await clicks())?.broker).toEqual({
      name: 'memory',
      waiting: null,
      delivered: null,
      refused: null,
    })
    scene.server.resume()
    expect((await scene.drive(spillway.queues())).find(({ queue }) => queue === 'default')?.broker).toBeNull()
  })

  it('shows the same in the metrics, and no value while the broker does not answer', async () => {
    const spillway = await scene.open({ roles: ['intake'] })
    await scene.drive(spillway.submit(record, { id: 'a' }))
    const waiting = 'spillway_broker_messages{queue="clicks",state="waiting"} 1'
    expect(await scene.drive(spillway.metrics.render())).toContain(waiting)
    scene.server.pause()
    const text = await scene.drive(spillway.metrics.render())
    expect(text).not.toContain('spillway_broker_messages{')
    expect(text).toContain('spillway_build_info{')
    scene.server.resume()
    const maintainer = await scene.open({ roles: ['maintenance'] })
    expect(await scene.drive(maintainer.metrics.render())).not.toContain('spillway_broker_messages{')
  })

  it('starts while the broker is away, refuses meanwhile, and is ready once it is there', async () => {
    scene.server.kill()
    const spillway = await scene.open()
    expect(await check(spillway)).toEqual({ ready: false, broker: false })
    await expect(scene.drive(spillway.submit(record, { id: 'a' }))).rejects.toMatchObject({
      code: 'broker_unavailable',
      retryable: true,
    })
    scene.server.restart()
    await scene.clock.advance(20_000)
    expect(await check(spillway)).toEqual({ ready: true, broker: true })
    const { id } = await scene.drive(spillway.submit(record, { id: 'a' }))
    expect(await scene.drive(spillway.outcome(id, { wait: '30s' }))).toMatchObject({ state: 'succeeded' })
    expect(scene.faults()).toContain('opening memory')
  })

  it('does not wait long at the start for a broker that does not answer', async () => {
    const never: Broker = {
      ...brokerParts(new MemoryBroker(scene.server)),
      open: () => new Promise(() => {}),
    }
    const startedAt = scene.clock.now()
    const spillway = await scene.open(
      { roles: ['intake'] },
      { queues: { clicks: { channel: brokerChannel(never, {}, 'memory') } } },
    )
    expect(scene.clock.now() - startedAt).toBeLessThan(5_000)
    await expect(scene.drive(spillway.submit(record, { id: 'a' }))).rejects.toMatchObject({
      code: 'broker_unavailable',
    })
  })

  it('does not start on a broker whose queue is not what it should be, and closes what it opened', async () => {
    scene.server.declare({ name: 'clicks', partitions: 4 })
    const closed: string[] = []
    const store = { ...scene.store, close: async () => void closed.push('store') }
    await expect(scene.open({}, { store })).rejects.toMatchObject({ code: 'broker_incompatible' })
    expect(closed).toEqual(['store'])
  })

  it('says why when the broker turns out to be unfit only later, and goes on when that was mended', async () => {
    let unfit = true
    scene.server.kill()
    const broker = new MemoryBroker(scene.server)
    const picky: Broker = {
      ...brokerParts(broker),
      open: async (queues) => {
        await broker.open(queues)
        if (unfit) throw new SpillwayError('broker_incompatible', 'delete the queue')
      },
    }
    const config = { queues: { clicks: { channel: brokerChannel(picky, {}, 'memory') } } }
    const spillway = await scene.open({ roles: ['intake'] }, config)
    scene.server.restart()
    await scene.clock.advance(20_000)
    await expect(scene.drive(spillway.submit(record, { id: 'a' }))).rejects.toMatchObject({
      code: 'broker_incompatible',
    })
    unfit = false
    await scene.clock.advance(20_000)
    expect(await scene.drive(spillway.submit(record, { id: 'a' }))).toMatchObject({ status: 'accepted' })
  })

  it('opens a broker once for all of its queues, and closes it with the process', async () => {
    const calls: unknown[] = []
    const broker = new MemoryBroker(scene.server)
    const counted: Broker = {
      ...brokerParts(broker),
      open: (queues) => {
        calls.push(queues.map(({ name }) => name))
        return broker.open(queues)
      },
      close: () => {
        calls.push('close')
        return broker.close()
      },
    }
    const channel = brokerChannel(counted, {}, 'memory')
    await scene.open({}, { commands: [record, other], queues: { clicks: { channel }, others: { channel } } })
    await scene.close()
    expect(calls).toEqual([['clicks', 'others'], 'close'])
  })

  it('leaves a broker alone that it has no use for, and a tool until it has one', async () => {
    const maintainer = await scene.open({ roles: ['maintenance'] })
    expect(await check(maintainer)).toMatchObject({ broker: undefined })
    const tool = await scene.open({ roles: ['intake'], register: false })
    expect(await check(tool)).toMatchObject({ broker: undefined })
    expect(await scene.drive(tool.submit(record, { id: 'a' }))).toMatchObject({ status: 'accepted' })
    expect(await check(tool)).toMatchObject({ broker: true })
  })

  it('does not need the broker to be ready where it takes no commands for it', async () => {
    const worker = await scene.open({ roles: ['worker'] })
    scene.server.kill()
    expect(await check(worker)).toEqual({ ready: true, broker: false })
  })
})

describe('a process that only takes commands for a broker', () => {
  function awayStore() {
    const state = { isAway: true }
    const store: Store = {
      ...scene.store,
      open: async () => {
        if (state.isAway) throw new Error('connect ECONNREFUSED')
        await scene.store.open()
      },
      probe: async () => {
        if (state.isAway) throw new Error('connect ECONNREFUSED')
      },
    }
    return { state, store }
  }

  it('starts and accepts while the database is away, and reads once it is there', async () => {
    const { state, store } = awayStore()
    const spillway = await scene.open({ roles: ['intake'] }, { store })
    const { id } = await scene.drive(spillway.submit(record, { id: 'a' }))
    const { ready, checks } = await scene.drive(spillway.health())
    expect(ready).toBe(true)
    expect(checks.find(({ name }) => name === 'store')).toMatchObject({ ok: false })
    await expect(scene.drive(spillway.outcome(id))).rejects.toMatchObject({ code: 'store_unavailable' })
    await expect(scene.drive(spillway.cancel([id]))).rejects.toMatchObject({ code: 'store_unavailable' })
    state.isAway = false
    await scene.clock.advance(20_000)
    expect(await scene.drive(spillway.outcome(id))).toMatchObject({ state: 'accepted' })
    expect((await scene.drive(spillway.health())).checks.every(({ ok }) => ok)).toBe(true)
  })

  it('closes while the database is still away', async () => {
    const { store } = awayStore()
    await scene.open({ roles: ['intake'] }, { store })
    await scene.close()
  })

  it.each([
    ['it also works', { roles: ['intake', 'worker'] } as const, [record]],
    ['one of its queues is kept in the store', { roles: ['intake'] } as const, [record, other]],
  ])('needs the database to start where %s', async (_, options, commands) => {
    const { store } = awayStore()
    await expect(scene.open(options, { store, commands })).rejects.toThrow('ECONNREFUSED')
  })
})
