// No queue at all: the handler runs within the submit, whose receipt follows it. The baseline the other patterns are measured
// against, and handy in tests. What does not succeed is parked like any exception.

import { COMMAND_BYTES_MAX } from '../domain/index.js'
import type { ChannelContext, OpenChannel } from './channel-context.js'
import { type Lineup, VolatileChannel } from './volatile-channel.js'

/** A pool without slots and queue, whose callers run everything. */
const NOBODY_WAITS: Lineup = {
  waiting: 0,
  running: 0,
  limit: 0,
  hasRoom: () => false,
  freeSlots: Number.POSITIVE_INFINITY,
  add: () => {},
  dropOldest: () => undefined,
  removeWaiting: () => [],
  hurry: () => {},
}

export function directChannel(context: ChannelContext): OpenChannel {
  return new VolatileChannel(
    {
      kind: 'direct',
      durability: 'executed',
      whenFull: 'callerRuns',
      blockTimeoutMs: 0,
      maxBytes: COMMAND_BYTES_MAX,
      lineup: () => NOBODY_WAITS,
    },
    context,
  )
}
