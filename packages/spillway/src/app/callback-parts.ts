// The parts that tell upstream, where the configuration says that somebody is to be told.

import { createCallbackSender } from '../callbacks/index.js'
import type { ResolvedCallbacks } from '../config/index.js'
import type { Clock, NewChunkId, Random, Telemetry } from '../ports/index.js'
import type { BuiltIn } from './built-ins.js'
import { callbackCommand } from './callback-command.js'
import { CallbackComposer } from './callback-composer.js'
import type { GoneEndpoints } from './gone-endpoints.js'

export interface CallbackParts {
  /** Null when nobody is called back. */
  readonly composer: CallbackComposer | null
  readonly builtIns: readonly BuiltIn[]
  /** Ends all connections. */
  close(): Promise<void>
}

const NONE: CallbackParts = { composer: null, builtIns: [], close: async () => {} }

export interface CallbackPartsOptions {
  readonly endpoints: GoneEndpoints
  readonly clock: Clock
  readonly random: Random
  readonly newChunkId: NewChunkId
  readonly telemetry: Telemetry
}

/** Throws `invalid_config` when a secret, a port or a range is none. */
export function callbackParts(
  callbacks: ResolvedCallbacks | null,
  options: CallbackPartsOptions,
): CallbackParts {
  if (callbacks === null) return NONE
  const sender = createCallbackSender({ ...callbacks, clock: options.clock })
  const command = callbackCommand({ ...options, callbacks, sender })
  return {
    composer: new CallbackComposer({ ...options, callbacks }),
    builtIns: [{ command, concurrency: callbacks.concurrency }],
    close: () => sender.close(),
  }
}
