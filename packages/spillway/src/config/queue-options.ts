// What may be said about a queue, as people write it: every option may be left out, durations and sizes may be texts. What comes of it
// is a ResolvedQueue.

import type { ChannelSpec } from './channels.js'
import type { Duration, Size } from './duration.js'

export interface RateOptions {
  /** Commands per `per`. */
  limit: number
  per: Duration
  /** Commands that may start at once after a quiet time. Default `limit`. */
  burst?: number
}

export interface QueueOptions {
  /** How commands travel. Default 'store'. */
  channel?: 'store' | 'direct' | ChannelSpec
  /**
   * Handler calls at once in one worker process. Default 8 (1 for queues whose commands settle in a synchronous transaction is enough).
   * With `min` and `max` it follows what the counterpart can take: latency per command, errors and timeouts. `latency`: never more
   * while calls take longer than this.
   */
  concurrency?: number | { min?: number; max: number; latency?: Duration }
  /** Commands with an ordering key run one after the other per key. `onDead`: whether a dead one holds up its successors. Default 'skip'. */
  ordered?: { partitions?: number; onDead?: 'skip' | 'block' }
  /** Commands that may start per time, over all processes; and per `rateKey`. */
  rateLimit?: RateOptions
  keyRateLimit?: RateOptions
  /** Tenants (see `tenantKey`) take turns, by weight; default weight 1. */
  tenants?: { weights?: Record<string, number> }
  /** Refuses new commands while so many or so many bytes wait, or the oldest waits for so long; and faster ones than `perTenant` of one tenant. */
  admission?: { maxDepth?: number; maxBytes?: Size; maxAge?: Duration; perTenant?: RateOptions }
  /** How long a worker may hold a chunk without a heartbeat. Default 30 s. */
  lease?: Duration
}
