// What brokers and their clients do about confirms when connections break, done to Spillway on real servers: intake and worker are processes
// of their own, the intake's connection goes through a network that fails.

import { randomUUID } from 'node:crypto'
import { type PrivateServer, requireServer, sharedRabbitMq, startNats, urlAtPort } from 'spillway-test-bed'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { z } from 'zod'
import { nats } from '../../src/brokers/nats/index.js'
import { rabbitmq } from '../../src/brokers/rabbitmq/index.js'
import type { BrokerSpec } from '../../src/config/index.js'
import { defineCommand, type Role, type Spillway } from '../../src/index.js'
import { FaultProxy } from '../../src/testing/index.js'
import { ENGINES, type Engine } from './engines.js'

const PATIENCE = { timeout: 15_000, interval: 10 }
const CUTS = 6
const CUT_BYTES = 15
const CLICKS = 200
/** Chunks of commands that are run one by one have four times as many. */
const CONCURRENCY = 4
/** Whoever waits for a confirm that does not come waits longer than a test does. */
const TIMES = { publishTimeout: '1m', connectTimeout: '10s', reconnectDelay: '50ms' } as const

const [sqlite] = ENGINES as readonly [Engine]

interface BrokerHere {
  readonly kind: 'rabbitmq' | 'nats'
  start(): Promise<string>
  stop(): Promise<void>
  channel(url: string, prefix: string): BrokerSpec
}

let natsServer: PrivateServer | null = null
const BROKERS: readonly BrokerHere[] = [
  {
    kind: 'rabbitmq',
    start: sharedRabbitMq,
    stop: async () => {},
    channel: (url, prefix) => rabbitmq(url, { ...TIMES, prefix }),
  },
  {
    kind: 'nats',
    async start() {
      natsServer = await startNats()
      return natsServer.url
    },
    stop: async () => natsServer?.stop(),
    channel: (url, prefix) => nats(url, { ...TIMES, prefix }),
  },
]

interface Scene {
  readonly intake: Spillway
  readonly proxy: FaultProxy
  readonly click: ReturnType<typeof clickThat>
  /** Times that each was executed. */
  readonly executions: ReadonlyMap<number, number>
}

for (const broker of BROKERS) {
  requireServer(describe, broker.kind)(`confirms of ${broker.kind}`, () => {
    let url: string
    beforeAll(async () => {
      url = await broker.start()
    })
    afterAll(() => broker.stop())

    it('that never come are not waited for when the connection is lost (amqplib#530)', async () => {
      const { intake, proxy, click, executions } = await newScene(broker, url)
      await intake.submit(click, { n: 0 })
      const { toServer } = proxy.traffic
      proxy.swallow('toClient')
      const submitted = intake.submit(click, { n: 1 })
      await vi.waitFor(() => expect(proxy.traffic.toServer).toBeGreaterThan(toServer), PATIENCE)
      proxy.reset()
      expect(await submitted).toMatchObject({ durability: 'broker' })
      await vi.waitFor(() => expect(executions.size).toBe(2), PATIENCE)
      await intake.submit(click, { n: 2 })
      await vi.waitFor(() => expect(executions.size).toBe(3), PATIENCE)
      // The broker may have had the second one twice.
      expect([...executions.values()]).toEqual([1, 1, 1])
    })

    it('of which some were lost repeat nothing that was confirmed (redpanda-connect#4400)', async () => {
      const { intake, proxy, click, executions } = await newScene(broker, url)
      let cuts = 0
      for (let cut = 0; cut < CUTS; cut += 1) {
        const clicks = Array.from({ length: CLICKS }, (_, n) => ({ n: cut * CLICKS + n }))
        // Each time after some more of what the broker answers; it may answer less than that.
        void proxy.cutAfter('toClient', cut * CUT_BYTES).then(() => {
          cuts += 1
        })
        const verdicts = await intake.submitMany(click, clicks)
        proxy.reset()
        expect(verdicts.filter(({ ok }) => !ok)).toEqual([])
      }
      expect(cuts).toBeGreaterThan(1)
      await vi.waitFor(() => expect(executions.size).toBe(CUTS * CLICKS), PATIENCE)
      // Nothing that was sent again is still on its way.
      await intake.submit(click, { n: -1 })
      await vi.waitFor(() => expect(executions.has(-1)).toBe(true), PATIENCE)
      expect([...executions].filter(([, times]) => times !== 1)).toEqual([])
    })
  })
}

function clickThat(happens: (n: number) => void) {
  return defineCommand({
    name: 'click',
    input: z.object({ n: z.number() }),
    handle: ({ n }) => happens(n),
  })
}

async function newScene(broker: BrokerHere, url: string): Promise<Scene> {
  const executions = new Map<number, number>()
  const click = clickThat((n) => executions.set(n, (executions.get(n) ?? 0) + 1))
  const prefix = `known-bugs-${randomUUID().slice(0, 8)}-`
  const proxy = await FaultProxy.listen({ port: Number(new URL(url).port) })
  onTestFinished(() => proxy.close())
  const place = await sqlite.place()
  const start = async (from: string, roles: readonly Role[]): Promise<Spillway> => {
    const queues = { default: { channel: broker.channel(from, prefix), concurrency: CONCURRENCY } }
    return (await place.process({ commands: [click], queues }, roles)).spillway
  }
  await start(url, ['worker'])
  return { intake: await start(urlAtPort(url, proxy.port), ['intake']), proxy, click, executions }
}
