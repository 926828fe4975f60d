// A command type that calls back, on production code and virtual time, and its upstream.

import { z } from 'zod'
import {
  type CallbackOptions,
  type ChannelSpec,
  type CommandOptions,
  defineCommand,
  type TelemetryEvent,
} from '../../src/index.js'
import { memory } from '../../src/stores/memory/index.js'
import { type TestSpillway, testSpillway } from '../../src/testing/index.js'
import { Receiver } from './receiver.js'
// Otherwise loaded with the first delivery, for which no clock of a test waits.
import '../../src/callbacks/guarded-agent.js'

export const Order = z.object({ id: z.string(), url: z.string().optional() })
export type OrderOptions = Partial<CommandOptions<string, typeof Order>>

export interface OrderOpening extends OrderOptions {
  callbacks?: Partial<CallbackOptions>
  channel?: ChannelSpec
}

export class OrderRig {
  readonly t: TestSpillway
  readonly receiver: Receiver
  readonly events: readonly TelemetryEvent[]

  private constructor(t: TestSpillway, receiver: Receiver, events: readonly TelemetryEvent[]) {
    this.t = t
    this.receiver = receiver
    this.events = events
  }

  static async open({ callbacks, channel, ...options }: OrderOpening = {}): Promise<OrderRig> {
    const receiver = await Receiver.open()
    const events: TelemetryEvent[] = []
    const order = defineCommand({
      name: 'order',
      input: Order,
      retry: { attempts: 1 },
      handle: ({ id }) => ({ placed: id }),
      callback: ({ url }) => url ?? receiver.url,
      ...options,
    })
    const t = await testSpillway({
      store: memory(),
      commands: [order],
      callbacks: receiver.callbacks(callbacks),
      telemetry: [{ record: (event) => events.push(event) }],
      ...(channel === undefined ? {} : { queues: { default: { channel } } }),
    })
    return new OrderRig(t, receiver, events)
  }

  async submit(id: string, url?: string): Promise<string> {
    return (await this.t.submit('order', url === undefined ? { id } : { id, url })).id
  }

  deliveries(): TelemetryEvent[] {
    return this.events.filter(({ event }) => event === 'callback.delivery')
  }

  async close(): Promise<void> {
    await this.t.close()
    await this.receiver.close()
  }
}
