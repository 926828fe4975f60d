// A broker as the parts of this process use it, whether it is there yet or not: it is opened in the background, and until it is open for the
// first time every call says so, in the certainty that it did nothing.

import type {
  Broker,
  BrokerCapabilities,
  BrokerQueue,
  BrokerQueueState,
  Clock,
  OutgoingMessage,
  PublishVerdict,
  Random,
  SubscribeRequest,
  Subscription,
  Telemetry,
} from '../../ports/index.js'
import { isLasting, Opening } from './opening.js'

/** How long close() waits for a try to open that is under way. */
const CLOSE_GRACE_MS = 1_000

export interface BrokerLinkOptions {
  readonly broker: Broker
  /** All that travel by it. */
  readonly queues: readonly BrokerQueue[]
  readonly clock: Clock
  readonly random: Random
  readonly telemetry: Telemetry
}

export class BrokerLink implements Broker {
  readonly name: string
  readonly #options: BrokerLinkOptions
  readonly #opening: Opening

  constructor(options: BrokerLinkOptions) {
    const { broker, queues, telemetry } = options
    this.name = broker.name
    this.#options = options
    this.#opening = new Opening({
      ...options,
      what: broker.name,
      code: 'broker_unavailable',
      open: () => broker.open(queues, telemetry),
    })
  }

  get capabilities(): BrokerCapabilities {
    return this.#options.broker.capabilities
  }

  get isStarted(): boolean {
    return this.#opening.isStarted
  }

  /** Throws what only an operator can mend; a broker that is not there is waited for in the background. */
  async open(): Promise<void> {
    await this.#opening.start()
    const { fault } = this.#opening
    if (isLasting(fault)) throw fault
  }

  /** Throws while the broker was never open: it took nothing then. */
  async publish(messages: readonly OutgoingMessage[]): Promise<readonly PublishVerdict[]> {
    await this.#ready()
    return this.#options.broker.publish(messages)
  }

  /** Throws while the broker was never open: a worker asks again. */
  async subscribe(request: SubscribeRequest): Promise<Subscription> {
    await this.#ready()
    return this.#options.broker.subscribe(request)
  }

  async state(): Promise<readonly BrokerQueueState[]> {
    await this.#ready()
    return this.#options.broker.state()
  }

  async probe(): Promise<void> {
    await this.#ready()
    await this.#options.broker.probe()
  }

  async close(): Promise<void> {
    await this.#opening.stop(CLOSE_GRACE_MS)
    if (this.#opening.isStarted) await this.#options.broker.close()
  }

  /** Starts it where nobody has yet. */
  async #ready(): Promise<void> {
    if (!this.#opening.isStarted) await this.#opening.start()
    const { fault } = this.#opening
    if (fault !== null) throw fault
  }
}
