// A subscription: one membership after the other, for as long as it is wanted.

import type { KafkaMessage } from 'kafkajs'
import { spreadMs } from '../../domain/index.js'
import type { Cancel, SubscribeRequest, Subscription, Telemetry } from '../../ports/index.js'
import { type Machine, Told } from '../driver/index.js'
import { unavailable } from './failures.js'
import type { Lane } from './lane.js'
import { Membership } from './membership.js'
import type { KafkaSettings } from './options.js'

export interface ReaderParts {
  readonly settings: KafkaSettings
  readonly machine: Machine
  readonly telemetry: Telemetry | null
  readonly topic: string
  readonly group: string
  readonly keep: (message: KafkaMessage, reason: string) => Promise<boolean>
  readonly onCommitted: (partition: number, offset: number) => void
  readonly onClosed: (reader: Reader) => void
}

const RECONNECT_MS_MIN = 50

export class Reader implements Subscription {
  readonly queue: string
  readonly #request: SubscribeRequest
  readonly #parts: ReaderParts
  #membership: Membership | null = null
  #failures = 0
  readonly #told = new Told()
  #isClosed = false
  #closing: Promise<void> | null = null
  #cancel: Cancel = () => {}

  constructor(request: SubscribeRequest, parts: ReaderParts) {
    this.queue = request.queue
    this.#request = request
    this.#parts = parts
  }

  /** Partitions that this process reads now. */
  get lanes(): Iterable<Lane> {
    return this.#membership?.lanes ?? []
  }

  get inHand(): number {
    return this.#membership?.inHand ?? 0
  }

  /** Resolves once it reads, or failed to. */
  begin(): Promise<void> {
    const { machine, onCommitted, ...parts } = this.#parts
    const membership = new Membership({
      ...{ ...parts, machine, credit: this.#request.credit },
      onDelivery: (delivery) => this.#request.onDelivery(delivery),
      later: (ms, run) => void machine.schedule(ms, run),
      onCommitted: ({ partition }, offset) => {
        this.#failures = 0
        onCommitted(partition, offset)
      },
    })
    this.#membership = membership
    void membership.begin()
    void membership.ended.then((why) => this.#again(why))
    return membership.begun
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#isClosed = true
    this.#cancel()
    await this.#membership?.leave()
    this.#parts.onClosed(this)
  }

  #again(why: unknown): void {
    if (this.#isClosed) return
    const { machine, settings, telemetry } = this.#parts
    if (this.#told.isNews(why, this.#failures)) {
      const error = unavailable(`queue ${this.queue} is not consumed until the cluster is there again`, why)
      telemetry?.record({ event: 'fault', where: 'broker.kafka', error })
    }
    const delayMs = Math.min(RECONNECT_MS_MIN * 2 ** this.#failures, settings.reconnectDelayMsMax)
    this.#failures += 1
    this.#cancel = machine.schedule(spreadMs(delayMs, machine.random()), () => void this.begin())
  }
}
