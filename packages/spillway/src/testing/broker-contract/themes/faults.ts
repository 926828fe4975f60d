// Faults: a bad network and a server that dies. Nothing that was confirmed is lost, whatever was not says so, and everything goes on by
// itself once the broker is there again.

import type { Broker, OutgoingMessage } from '../../../ports/index.js'
import type { Direction, FaultProxy } from '../../fault-proxy/index.js'
import type { ServerControls } from '../harness.js'
import type { Scene } from '../scene.js'
import { needing, needsProxy, needsServer, type Suite, type Theme } from '../suite.js'

export const faultsTheme: Theme = {
  name: 'faults',
  isFaulty: true,
  define(suite) {
    cuts(needing(suite, needsProxy))
    absences(needing(suite, needsProxy))
    servers(needing(suite, needsServer))
  },
}

/** After how many bytes of a publish, of its confirms, or of the next handshake: before the first, within a frame, between two. */
const CUTS: Readonly<Record<Direction, readonly number[]>> = {
  toServer: [0, 1, 90, 400, 1_500, 4_000],
  toClient: [0, 1, 15, 40, 90, 400],
}
const BODY = new Uint8Array(500).fill(97)
const PER_CUT = 8

function cuts(suite: Suite): void {
  for (const direction of ['toServer', 'toClient'] as const) {
    test(
      suite,
      `loses nothing that was confirmed when publishes are cut on the way ${direction}`,
      async (scene, proxy) => {
        const broker = await scene.open({ proxy, isHasty: true })
        const ids: string[] = []
        for (const bytes of CUTS[direction]) {
          const messages = scene.messages(PER_CUT, { body: BODY })
          void proxy.cutAfter(direction, bytes)
          const verdicts = await broker.publish(messages)
          scene.expect(verdicts.some(({ status }) => status === 'refused')).toBe(false)
          // The next connection is cut as well: while it is made, as far as it comes in so many bytes.
          void proxy.cutAfter(direction, bytes)
          for (const [at, message] of messages.entries()) {
            if (verdicts[at]?.status !== 'confirmed') await scene.publishUntilConfirmed(broker, message)
          }
          ids.push(...messages.map(({ id }) => id))
        }
        proxy.reset()
        scene.expect([...new Set(await scene.leftOver(ids))].sort()).toEqual(ids)
      },
    )

    test(
      suite,
      `delivers everything when deliveries are cut on the way ${direction}`,
      async (scene, proxy) => {
        const points = [...CUTS[direction]]
        const [publisher, broker] = [await scene.open(), await scene.open({ proxy, isHasty: true })]
        const ids = await scene.publishSome(publisher, 60, { body: BODY })
        let delivered = 0
        const consumer = await scene.consume(broker, {
          credit: 10,
          each(delivery) {
            delivered += 1
            const point = delivered % 8 === 0 ? points.shift() : undefined
            if (point !== undefined) void proxy.cutAfter(direction, point)
            delivery.ack()
          },
        })
        await consumer.receivedAll(ids)
        proxy.reset()
        scene.expect([...new Set(consumer.ids)].sort()).toEqual(ids)
        await expectAllAcknowledged(scene, publisher)
      },
    )
  }

  test(
    suite,
    'an acknowledgement after a cut does not count for who has the message now',
    async (scene, proxy) => {
      const [one, two] = [await scene.open({ proxy, isHasty: true }), await scene.open()]
      const [id] = await scene.publishSome(two, 1)
      const before = await scene.consume(one)
      const [old] = await before.received(1)
      const now = await scene.consume(two)
      proxy.refuse()
      proxy.cutAll()
      await now.receivedAll([id as string])
      proxy.reset()
      await scene.reachable(one)
      old?.ack()
      // Whatever went to the broker with that is there before this is answered.
      await scene.reachable(one)
      await two.close()
      const again = await before.receivedAgain(id as string, 1)
      again.ack()
    },
  )
}

function absences(suite: Suite): void {
  test(
    suite,
    'is in doubt by its own deadline when a connection is open and nobody answers',
    async (scene, proxy) => {
      const broker = await scene.open({ proxy, isHasty: true })
      const consumer = await scene.consume(broker)
      const message = scene.message()
      proxy.swallow()
      scene.expect((await scene.publishOne(broker, message)).status).toBe('unknown')
      proxy.reset()
      await scene.publishUntilConfirmed(broker, message)
      await consumer.receivedAll([message.id])
    },
  )

  test(suite, 'comes back by itself, with its subscriptions', async (scene, proxy) => {
    const broker = await scene.open({ proxy, isHasty: true })
    const consumer = await scene.consume(broker, { each: (delivery) => delivery.ack() })
    for (let times = 0; times < 3; times += 1) {
      proxy.refuse()
      proxy.cutAll()
      const message = scene.message()
      const { status } = await scene.publishOne(broker, message)
      scene.expect(status).toBe('unknown')
      proxy.reset()
      await scene.publishUntilConfirmed(broker, message)
      await consumer.receivedAll([message.id])
    }
  })

  test(
    suite,
    'a subscription that is made while the broker is away begins when it is back',
    async (scene, proxy) => {
      const broker = await scene.open({ proxy, isHasty: true })
      const message = scene.message()
      proxy.refuse()
      proxy.cutAll()
      scene.expect((await scene.publishOne(broker, message)).status).toBe('unknown')
      const subscribing = scene.consume(broker)
      proxy.reset()
      await scene.publishUntilConfirmed(broker, message)
      await (await subscribing).receivedAll([message.id])
    },
  )

  test(suite, 'is closed while the broker is away, and says what it does not know', async (scene, proxy) => {
    const broker = await scene.open({ proxy, isHasty: true })
    const consumer = await scene.consume(broker)
    proxy.refuse()
    proxy.cutAll()
    const publishing = scene.publishOne(broker, scene.message())
    await broker.close()
    scene.expect((await publishing).status).toBe('unknown')
    await consumer.close()
  })

  test(suite, 'is closed while nobody answers', async (scene, proxy) => {
    const broker = await scene.open({ proxy, isHasty: true })
    await scene.consume(broker)
    proxy.swallow()
    const publishing = scene.publishOne(broker, scene.message())
    await broker.close()
    scene.expect((await publishing).status).toBe('unknown')
  })
}

function servers(suite: Suite): void {
  const server = (): ServerControls => (suite.harness.server as () => ServerControls)()

  suite.test('is in doubt while the server stands still, and goes on with it', async (scene) => {
    const broker = await scene.open({ isHasty: true })
    const consumer = await scene.consume(broker)
    const message = scene.message()
    server().pause()
    try {
      scene.expect((await scene.publishOne(broker, message)).status).toBe('unknown')
      const failed = await broker.probe().then(
        () => null,
        (error: unknown) => error,
      )
      scene.expect(failed).toMatchObject({ code: 'broker_unavailable' })
    } finally {
      server().resume()
    }
    await scene.publishUntilConfirmed(broker, message)
    await consumer.receivedAll([message.id])
  })

  suite.test(
    'loses nothing that was confirmed when the server is killed in the middle, and goes on after it',
    async (scene) => {
      const [publisher, broker] = [await scene.open({ isHasty: true }), await scene.open({ isHasty: true })]
      const consumer = await scene.consume(broker, { credit: 20, each: (delivery) => delivery.ack() })
      const load = new Load(scene, publisher)
      await consumer.received(60)
      await server().kill()
      await load.untilInDoubt
      await server().restart()
      const ids = await load.end()
      await consumer.receivedAll(ids)
      scene.expect([...new Set(consumer.ids)].sort()).toEqual(ids)
      await expectAllAcknowledged(scene, publisher)
    },
  )
}

/** Publishes all the time, and what is in doubt again until it is confirmed. */
class Load {
  readonly #scene: Scene
  readonly #broker: Broker
  readonly #ids: string[] = []
  readonly #running: Promise<void>
  #isEnding = false
  #inDoubt = (): void => {}
  /** Resolves when a publish was not confirmed. */
  readonly untilInDoubt = new Promise<void>((resolve) => {
    this.#inDoubt = resolve
  })

  constructor(scene: Scene, broker: Broker) {
    this.#scene = scene
    this.#broker = broker
    this.#running = this.#run()
  }

  /** Everything published, in order; all of it was confirmed. */
  async end(): Promise<readonly string[]> {
    this.#isEnding = true
    await this.#running
    return this.#ids
  }

  async #run(): Promise<void> {
    while (!this.#isEnding) {
      const messages = this.#scene.messages(PER_CUT, { body: BODY })
      this.#ids.push(...messages.map(({ id }) => id))
      const verdicts = await this.#broker.publish(messages)
      for (const [at, message] of messages.entries()) {
        if (verdicts[at]?.status !== 'confirmed') await this.#resend(message)
      }
    }
  }

  #resend(message: OutgoingMessage): Promise<void> {
    this.#inDoubt()
    return this.#scene.publishUntilConfirmed(this.#broker, message)
  }
}

/** What was acknowledged on a connection that was lost comes again, and is acknowledged again: nothing is left in the end. */
async function expectAllAcknowledged(scene: Scene, broker: Broker): Promise<void> {
  const { waiting, delivered } = await scene.stateOnce(
    broker,
    (state) => (state.waiting ?? 0) === 0 && (state.delivered ?? 0) === 0,
  )
  scene.expect({ waiting: waiting ?? 0, delivered: delivered ?? 0 }).toEqual({ waiting: 0, delivered: 0 })
}

function test(suite: Suite, name: string, body: (scene: Scene, proxy: FaultProxy) => Promise<void>): void {
  suite.test(name, async (scene) => {
    const proxy = await (suite.harness.proxy as () => Promise<FaultProxy>)()
    try {
      await body(scene, proxy)
    } finally {
      await proxy.close()
    }
  })
}
