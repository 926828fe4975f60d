// What operators and counterparts do to stored commands and queues. Every verb is guarded by the state it starts from (domain
// TRANSITIONS), so that of a cancel and a completion exactly one wins; what it was and who did it is written in the same commit.

import type { ChunkDraft, CommandUpdate, QueueSettings } from '../domain/index.js'

export type { QueueSettings } from '../domain/index.js'

/** `conflict`: the command is in a state that does not allow it. */
export type ControlVerdict = 'ok' | 'not_found' | 'conflict'

/** Who does something, and why: for the audit. Texts of at most AUDIT_TEXT_MAX characters, cut where longer. */
export interface AuditNote {
  readonly actor: string
  readonly action: string
  /** What it was done to, in words: ids, a filter, a queue. */
  readonly target: string
  readonly reason: string | null
}

export interface AuditRecord extends AuditNote {
  /** Ascending in time. */
  readonly id: string
  /** ms since the epoch by the store's clock. */
  readonly at: number
  /** Commands that were changed; null where no commands are meant. */
  readonly count: number | null
}

export interface VerbOptions {
  /** One row, in the same commit, if at least one command was changed. */
  readonly audit?: AuditNote
  /** Per command; stored as `append` would in the same commit if the verb took effect on it. Keys are not looked at. */
  readonly appends?: readonly (ChunkDraft | null)[]
}

export interface RedriveOptions extends VerbOptions {
  /** Per command: JSON text that takes the place of its payload from now on; null leaves it. */
  readonly payloads?: readonly (string | null)[]
}

/** The counterpart's answer to a pending command, decided already. */
export interface TokenCompletion {
  readonly tokenHash: string
  readonly update: Omit<CommandUpdate, 'index'>
}

/**
 * `not_found`: no command waits for this token: it was used, has expired or never was. `busy`: the command is in a worker's hands at this
 * moment (it is being polled); the same call may succeed a little later.
 */
export type CompletionVerdict = 'ok' | 'not_found' | 'busy'

export interface StoreControl {
  /** Accepted, scheduled, retrying and blocked commands become `cancelled`; a running one is a conflict. At most VERB_COMMANDS_MAX ids. */
  cancel(ids: readonly string[], options?: VerbOptions): Promise<readonly ControlVerdict[]>
  /**
   * Failed, dead and cancelled commands wait again, due now, with attempts counted anew, the history kept, generation + 1: to be executed,
   * or in the stage they died in (domain redriveEvent), with their memo.
   */
  redrive(ids: readonly string[], options?: RedriveOptions): Promise<readonly ControlVerdict[]>
  /** Dead and failed commands become `cancelled`, generation + 1: nobody wants them any more. */
  discard(ids: readonly string[], options?: VerbOptions): Promise<readonly ControlVerdict[]>
  /** Pending commands become what the update says; the token is used up. */
  complete(items: readonly TokenCompletion[], options?: VerbOptions): Promise<readonly CompletionVerdict[]>
  /** Changes what is named and leaves the rest; shared by every process on the store. Unpausing clears the reason. */
  configureQueue(queue: string, change: Partial<QueueSettings>, audit?: AuditNote): Promise<QueueSettings>
  /** Queues whose settings differ from the defaults, by name. */
  queueSettings(): Promise<ReadonlyMap<string, QueueSettings>>
  /** Writes an audit row about something else than the verbs above. */
  audit(note: AuditNote, count: number | null): Promise<void>
}
