// What every channel is made of: its queue, and the ports it works through.

import type { AnyCommand, ResolvedQueue } from '../config/index.js'
import type { Journal } from '../journal/index.js'
import type {
  CallbackRoute,
  Channel,
  Clock,
  CommandView,
  Executor,
  NewChunkId,
  SettledListener,
  ShortWay,
  Store,
  Telemetry,
} from '../ports/index.js'
import type { QueueLoads } from './queue-loads.js'

/** What a channel needs of a journal, which the queues of a spool folder share. */
export type ChannelJournal = Pick<Journal, 'append' | 'room'>

export interface ChannelContext {
  readonly queue: ResolvedQueue
  readonly definitions: ReadonlyMap<string, AnyCommand>
  readonly store: Store
  readonly executor: Executor
  readonly clock: Clock
  readonly newChunkId: NewChunkId
  readonly telemetry: Telemetry
  /** The journal of the queue's spool folder; needed by the journal channel alone. */
  readonly journal?: ChannelJournal
  /** What waits in the queues; needed where a queue refuses by it. */
  readonly loads?: QueueLoads
  /** The worker's short way in this process, for the store channel. */
  readonly shortWay?: ShortWay
  /** Appends at once. Default 2; 1 is enough for a store that is synchronous inside. */
  readonly appendsInFlightMax?: number
  /** How long close() of a volatile channel lets commands run before it parks what is left. Default 10 s. */
  readonly closeTimeoutMs?: number
  /** As which commands callbacks are stored; absent = nobody is called back. */
  readonly callbackRoute?: CallbackRoute
  /** Hears of commands that end here or are parked. */
  readonly listener?: SettledListener
}

export interface OpenChannel extends Channel {
  /** A command that only this process knows: waiting, running or recently finished here. Null when the store is to be asked. */
  lookup(id: string): CommandView | null
  /** A command that this process sent on lately, by a journal or a broker, as it was then: for when the store does not know it yet. */
  lookupSent(id: string): CommandView | null
}
