// What operators do to stored commands and queues. Every verb is guarded by the state it starts from (domain TRANSITIONS),
// so that of a cancel and a completion exactly one wins.

import type { QueueSettings } from '../domain/index.js'

export type { QueueSettings } from '../domain/index.js'

/** `conflict`: the command is in a state that does not allow it. */
export type ControlVerdict = 'ok' | 'not_found' | 'conflict'

export interface StoreControl {
  /** Accepted, scheduled and retrying commands become `cancelled`; a running one is a conflict. */
  cancel(ids: readonly string[]): Promise<readonly ControlVerdict[]>
  /** Failed, dead and cancelled commands become `retrying`, due now, with attempts counted anew, the history kept, generation + 1. */
  redrive(ids: readonly string[]): Promise<readonly ControlVerdict[]>
  /** Changes what is named and leaves the rest; shared by every process on the store. Unpausing clears the reason. */
  configureQueue(queue: string, change: Partial<QueueSettings>): Promise<QueueSettings>
  /** Queues whose settings differ from the defaults, by name. */
  queueSettings(): Promise<ReadonlyMap<string, QueueSettings>>
}
