// The vocabulary of the contract's tests: open, publish, consume and look, with defaults for everything a test is not about.

import type {
  Broker,
  BrokerQueue,
  BrokerQueueState,
  OutgoingMessage,
  PublishVerdict,
} from '../../ports/index.js'
import { systemClock } from '../../runtime/index.js'
import type { TestApi, TestContext } from '../store-contract/index.js'
import { type ConsumeOptions, Consumer } from './consumer.js'
import type { BrokerTraits, BrokerUnderTest, ConnectOptions } from './harness.js'

export interface OpenOptions extends ConnectOptions {
  readonly queues?: readonly (string | BrokerQueue)[]
}

/** Between two looks at what a server announces to nobody, and how many there are. */
const LOOK_EVERY_MS = 20
const LOOKS_MAX = 500
/** Tries to publish until a broker is there again. */
const PUBLISHES_MAX = 2_000

const TEXT = new TextEncoder()

export class Scene {
  readonly subject: BrokerUnderTest
  readonly traits: BrokerTraits
  readonly expect: TestApi['expect']
  readonly #brokers = new Set<Broker>()
  #messages = 0

  readonly #context: TestContext

  constructor(
    subject: BrokerUnderTest,
    traits: BrokerTraits,
    expect: TestApi['expect'],
    context: TestContext,
  ) {
    this.#context = context
    this.subject = subject
    this.traits = traits
    this.expect = expect
  }

  /** For what a broker says of itself once it is open. */
  skip(reason: string): void {
    this.#context.skip(reason)
  }

  /** A handle that was not opened. */
  connect(options: ConnectOptions = {}): Broker {
    const broker = this.subject.connect(options)
    this.#brokers.add(broker)
    return broker
  }

  /** An open handle; its queue is `main` when the test names none. A hasty one may give up a few times before it is open. */
  async open(options: OpenOptions = {}): Promise<Broker> {
    const { queues = ['main'], ...connecting } = options
    const broker = this.connect(connecting)
    const wanted = queues.map((queue) =>
      typeof queue === 'string' ? { name: queue, partitions: null } : queue,
    )
    if (connecting.isHasty === true) await answered(() => broker.open(wanted))
    else await broker.open(wanted)
    return broker
  }

  /** A chunk's id, as text sorts: later ones are larger. */
  newId(): string {
    this.#messages += 1
    return this.#messages.toString(16).padStart(32, '0197000000007000')
  }

  message(
    options: Partial<Omit<OutgoingMessage, 'body'>> & { body?: string | Uint8Array } = {},
  ): OutgoingMessage {
    const { body = 'a body', ...rest } = options
    return {
      ...{ id: this.newId(), queue: 'main', partition: null, contentType: 'text/plain', ...rest },
      body: typeof body === 'string' ? TEXT.encode(body) : body,
    }
  }

  messages(count: number, options: Partial<OutgoingMessage> = {}): readonly OutgoingMessage[] {
    return Array.from({ length: count }, () => this.message(options))
  }

  async publishOne(broker: Broker, message: OutgoingMessage): Promise<PublishVerdict> {
    const verdicts = await broker.publish([message])
    this.expect(verdicts).toHaveLength(1)
    return verdicts[0] as PublishVerdict
  }

  /** Publishes what has to be confirmed; answers the ids. */
  async publish(broker: Broker, messages: readonly OutgoingMessage[]): Promise<readonly string[]> {
    const verdicts = await broker.publish(messages)
    this.expect(verdicts).toEqual(messages.map(() => ({ status: 'confirmed' })))
    return messages.map(({ id }) => id)
  }

  /** Publishes new messages. */
  publishSome(
    broker: Broker,
    count: number,
    options: Partial<OutgoingMessage> = {},
  ): Promise<readonly string[]> {
    return this.publish(broker, this.messages(count, options))
  }

  /** Publishes the same message, as a caller in doubt does, until it is confirmed. */
  async publishUntilConfirmed(broker: Broker, message: OutgoingMessage): Promise<void> {
    for (let tried = 0; tried < PUBLISHES_MAX; tried += 1) {
      const { status } = await this.publishOne(broker, message)
      if (status === 'confirmed') return
      this.expect(status).toBe('unknown')
      await systemClock.sleep(LOOK_EVERY_MS)
    }
    throw new Error(`message ${message.id} was not confirmed in ${PUBLISHES_MAX} tries`)
  }

  consume(broker: Broker, options: ConsumeOptions = {}): Promise<Consumer> {
    return Consumer.on(broker, options)
  }

  /**
   * What another process is delivered of the queue: `expected` at least, and whatever comes before a message that is published then.
   * It gives everything back. Nobody else may be consuming.
   */
  async leftOver(expected: readonly string[] = [], queue = 'main'): Promise<readonly string[]> {
    const broker = await this.open({ queues: [queue] })
    const consumer = await this.consume(broker, { queue })
    await consumer.receivedAll(expected)
    const last = this.message({ queue })
    await this.publish(broker, [last])
    await consumer.receivedAll([last.id])
    consumer.deliveries.find(({ id }) => id === last.id)?.ack()
    await broker.close()
    return consumer.ids.filter((id): id is string => id !== last.id && id !== null)
  }

  /** The queue's state, once it is as the test wants it or was looked at often enough. */
  async stateOnce(
    broker: Broker,
    isIt: (state: BrokerQueueState) => boolean,
    queue = 'main',
  ): Promise<BrokerQueueState> {
    for (let looks = 1; ; looks += 1) {
      const states = await answered(() => broker.state())
      const state = states.find((one) => one.queue === queue) as BrokerQueueState
      if (isIt(state) || looks === LOOKS_MAX) return state
      await systemClock.sleep(LOOK_EVERY_MS)
    }
  }

  /** Once the broker has come back to it. */
  reachable(broker: Broker): Promise<void> {
    return answered(() => broker.probe())
  }

  /** Closes every handle of the test. */
  async end(): Promise<void> {
    await Promise.all([...this.#brokers].map((broker) => broker.close()))
  }
}

/** Asks until there is an answer: a handle may have lost its connection, and a hasty one does not wait for a machine that is busy. */
async function answered<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  for (let looks = 1; ; looks += 1) {
    try {
      return await ask()
    } catch (error) {
      if (looks === LOOKS_MAX) throw error
      await systemClock.sleep(LOOK_EVERY_MS)
    }
  }
}
