// The journal as the broker of the worker in the same process: every frame is a delivery, and its ack is what moves the checkpoint. So what
// an agent executes goes the way of everything that comes from a broker: stored and leased in one commit, executed, settled.

import { SpillwayError } from '../errors/index.js'
import { FRAME_BYTES_MAX } from '../journal/index.js'
import type {
  Broker,
  BrokerQueue,
  BrokerQueueState,
  Clock,
  OutgoingMessage,
  PublishVerdict,
  Random,
  SubscribeRequest,
  Subscription,
} from '../ports/index.js'
import type { Destination } from './destination.js'
import { Lane } from './lane.js'
import { WINDOW_FRAMES_MAX } from './limits.js'
import { Overflow } from './overflow.js'

export interface SpoolBrokerOptions {
  /** Where frames go that this process's worker does not take. */
  readonly store: Destination
  readonly clock: Clock
  readonly random: Random
}

interface QueueLane {
  readonly lane: Lane
  readonly destination: Destination
}

export class SpoolBroker implements Broker {
  readonly name = 'spool'
  readonly capabilities = { ordered: true, messageBytesMax: FRAME_BYTES_MAX }
  readonly #options: SpoolBrokerOptions
  readonly #overflow: Overflow
  readonly #lanes = new Map<string, QueueLane>()

  constructor(options: SpoolBrokerOptions) {
    this.#options = options
    this.#overflow = new Overflow({ ...options, destination: options.store })
  }

  /** For whoever ships frames: a queue's lane, or the store for one that this process does not know. */
  readonly route = (queue: string): Destination => this.#lanes.get(queue)?.destination ?? this.#options.store

  async open(queues: readonly BrokerQueue[]): Promise<void> {
    for (const { name } of queues) {
      if (this.#lanes.has(name)) continue
      const lane = new Lane({ ...this.#options, overflow: this.#overflow })
      this.#lanes.set(name, { lane, destination: destinationOf(lane) })
    }
  }

  async publish(messages: readonly OutgoingMessage[]): Promise<readonly PublishVerdict[]> {
    const error = new SpillwayError(
      'unsupported',
      'An agent that executes takes commands from its spool only.',
    )
    return messages.map(() => ({ status: 'refused', error }))
  }

  async subscribe(request: SubscribeRequest): Promise<Subscription> {
    const found = this.#lanes.get(request.queue)
    if (found !== undefined) return found.lane.subscribe(request)
    throw new SpillwayError('invalid_argument', `The spool was not opened with the queue ${request.queue}.`)
  }

  async state(): Promise<readonly BrokerQueueState[]> {
    return Array.from(this.#lanes, ([queue, { lane }]) => ({
      queue,
      waiting: null,
      delivered: lane.delivered,
      refused: null,
    }))
  }

  async probe(): Promise<void> {}

  async close(): Promise<void> {
    for (const { lane } of this.#lanes.values()) lane.close()
    await this.#overflow.close()
  }
}

function destinationOf(lane: Lane): Destination {
  return {
    name: 'worker',
    batchFramesMax: 1,
    batchBytesMax: FRAME_BYTES_MAX,
    batchesMax: WINDOW_FRAMES_MAX,
    orderKeptBy: 'calls',
    ship: async (frames) => Promise.all(frames.map((frame) => lane.ship(frame))),
  }
}
