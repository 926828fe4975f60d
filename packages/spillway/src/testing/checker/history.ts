// What happened, as the checker reads it: what clients asked and were told, what the store did in the order it did it,
// and what the handlers' effects say. A history is plain data, so a simulation, a chaos run with real processes and a
// hand-written test all use the same checker. `at` is the store's clock in ms; the order of events is the store's order.

import type { LeaseRef, Stage, TerminalState, UpdateState } from '../../domain/index.js'
import type { Accounting, QueueCounts } from '../../ports/index.js'
import type { OutsideEvent } from './outside-events.js'
import type { Change, Snapshot } from './snapshot.js'

export type * from './outside-events.js'
export type * from './snapshot.js'

/** Where a command type's effects go: into the settlement's transaction, a sink keyed by command, anywhere, or to upstream as a callback. */
export type EffectMode = 'transaction' | 'sink' | 'plain' | 'callback'

/** What a type does on bad days besides being executed again. Its functions must be recorded as called and replied. */
export interface BadDayRule {
  /** Times it may be asked about within one doubt; null = it cannot be asked. */
  readonly reconciliations: number | null
  /** Times it may be tried to undo it; null = nothing undoes it. */
  readonly compensations: number | null
  /** By one function, besides the steps that are undone one by one. */
  readonly undoneAsWhole: boolean
  /** Exhausted commands are undone too, not only refused ones. */
  readonly undoneWhenDead: boolean
}

export interface TypeRule {
  readonly queue: string
  readonly attempts: number
  readonly effects: EffectMode
  /** A handler call that takes longer has ignored its timeout: with its lease gone, it holds no slot. */
  readonly hungAfterMs: number
  readonly badDays?: BadDayRule
  /** Ends that upstream is told of, by a callback each. */
  readonly tells?: readonly TerminalState[]
}

export interface QueueRule {
  /** Handler calls at once in one worker. */
  readonly concurrency: number
  /** Whether a dead command holds up later ones of its ordering key. Default 'skip'. */
  readonly onDead?: 'skip' | 'block'
}

/** A client asks. `op` numbers the asking: the same command asked for twice has two. */
export interface Submitted {
  readonly kind: 'submitted'
  readonly at: number
  readonly op: number
  readonly type: string
  readonly payload: string
  readonly key: string | null
  /** How long the key is remembered. */
  readonly windowMs: number
  readonly runAt: number | null
}

/** What the client was told. `unknown`: nothing, or an error that leaves open whether it happened. */
export interface Answered {
  readonly kind: 'answered'
  readonly at: number
  readonly op: number
  readonly answer: 'accepted' | 'duplicate' | 'rejected' | 'unknown'
  /** The receipt's command id, or for a conflict the id that has the key. */
  readonly id: string | null
  /** The error's code when rejected. */
  readonly code: string | null
}

export interface AppendedCommand {
  readonly id: string
  readonly payload: string
  readonly verdict: 'accepted' | 'duplicate' | 'conflict'
  /** Not before this time; null = at once. */
  readonly dueAt: number | null
  /** Absent where nothing is ordered. */
  readonly orderingKey?: string
}

/** The store took a chunk. */
export interface Appended {
  readonly kind: 'appended'
  readonly at: number
  readonly chunkId: string
  readonly type: string
  readonly commands: readonly AppendedCommand[]
  /** As settled, together with what its commands came to. */
  readonly settled?: true
}

export interface ClaimedCommand {
  readonly index: number
  readonly id: string
  /** Executions before this chunk. */
  readonly attempts: number
  /** The same for the stage of the chunk, where that is another. */
  readonly tries?: number
}

/** The store leased a chunk. `commands` are those to run: skipped indexes are left out. */
export interface Claimed {
  readonly kind: 'claimed'
  readonly at: number
  readonly worker: string
  readonly chunkId: string
  readonly token: number
  readonly queue: string
  readonly type: string
  /** What is done with the commands. Default 'execute'. */
  readonly stage?: Stage
  /** The partition the commands were submitted to, else null. */
  readonly partition: number | null
  readonly leaseMs: number
  readonly expiries: number
  readonly promoted: boolean
  readonly commands: readonly ClaimedCommand[]
}

export interface WrittenUpdate {
  readonly id: string
  readonly state: UpdateState
  readonly attempts: number
  readonly delayMs: number
  /** Code of the error that is kept with it. */
  readonly error: string | null
  /** Whoever shows a token of this hash in time may complete it. */
  readonly token?: { readonly hash: string; readonly expiresInMs: number }
}

/** A worker wrote about a lease and the store answered `ok` or `stale`. `changes`: every command that looks different since. */
export interface LeaseWritten {
  readonly kind: 'written'
  readonly at: number
  readonly verb: 'extend' | 'settle'
  readonly worker: string
  readonly chunkId: string
  readonly token: number
  readonly verdict: 'ok' | 'stale'
  /** For extend: the lease now ends this much later. */
  readonly leaseMs: number
  readonly release: boolean
  readonly complete: boolean
  /** The command that is about to run alone. */
  readonly cursor: string | null
  readonly updates: readonly WrittenUpdate[]
  /** Ids that succeeded without a word. */
  readonly finished: readonly string[]
  readonly changes: readonly Change[]
  /** Commands that the write brought along and that are in the store after it, whatever it was answered. */
  readonly appended?: readonly string[]
}

/** A handler is about to run a command under a lease, and what it came to. `run` is unique per execution. */
export interface Started {
  readonly kind: 'started'
  readonly at: number
  readonly run: number
  /** Commands of one handler call share its number. */
  readonly call: number
  readonly worker: string
  readonly type: string
  readonly id: string
  readonly payload: string
  readonly attempt: number
  readonly chunkId: string
  readonly token: number
  /** Default 'execute'. */
  readonly stage?: Stage
}
export interface Ended {
  readonly kind: 'ended'
  readonly at: number
  readonly run: number
  readonly call: number
  readonly id: string
  readonly state: UpdateState
  /** JSON text of the handler's value. */
  readonly result: string | null
  /** The lease under which it was concluded without another execution: nothing was started. */
  readonly concludedUnder?: LeaseRef
}

/** An effect in a sink outside the system under test. */
export interface Effect {
  readonly kind: 'effect'
  readonly at: number
  readonly id: string
  readonly payload: string
}

export interface Controlled {
  readonly kind: 'controlled'
  readonly at: number
  readonly verb: 'cancel' | 'redrive' | 'discard'
  readonly id: string
  readonly verdict: 'ok' | 'not_found' | 'conflict'
  readonly before: Snapshot | null
  readonly after: Snapshot | null
  /** Takes the place of its payload from now on. */
  readonly payload?: string
}

export interface Promoted {
  readonly kind: 'promoted'
  readonly at: number
  readonly worker: string
  /** What the store says it moved. */
  readonly count: number
  /** Commands that waited in a state they keep while they are carried: of these nobody can see whether they were moved. */
  readonly unseen?: number
  readonly changes: readonly Change[]
}

export interface Pruned {
  readonly kind: 'pruned'
  readonly at: number
  readonly retentionMs: number
  readonly failedRetentionMs: number
  readonly changes: readonly Change[]
}

export interface QueuePaused {
  readonly kind: 'paused'
  readonly at: number
  readonly queue: string
  readonly paused: boolean
}

/** Somebody looked. */
export interface Observed {
  readonly kind: 'observed'
  readonly at: number
  readonly id: string
  readonly snapshot: Snapshot | null
}

/** One consistent look at every count. `listed` is counted from the listing, command by command. */
export interface Accounted {
  readonly kind: 'accounted'
  readonly at: number
  readonly accounting: Accounting
  readonly listed: Accounting
  readonly queues: readonly QueueCounts[]
  /** Commands that look different than after the last operation on them. */
  readonly drift: readonly Change[]
}

/** Things that happen to processes and the store; they explain a history and are never judged. */
export interface Incident {
  readonly kind: 'incident'
  readonly at: number
  readonly where: string
  readonly what: string
}

/** From here on nothing fails any more. Everything must be terminal `boundMs` later. */
export interface Healed {
  readonly kind: 'healed'
  readonly at: number
  readonly boundMs: number
}

export type HistoryEvent =
  | Submitted
  | Answered
  | Appended
  | Claimed
  | LeaseWritten
  | Started
  | Ended
  | Effect
  | OutsideEvent
  | Controlled
  | Promoted
  | Pruned
  | QueuePaused
  | Observed
  | Accounted
  | Incident
  | Healed

export interface StoredCommand extends Snapshot {
  readonly type: string
  readonly payload: string
  /** JSON text of the kept result. */
  readonly result: string | null
}

/** The store and the transactional sinks at the end. */
export interface FinalDump {
  readonly at: number
  readonly commands: readonly StoredCommand[]
  /** Effects that committed in the store's own transactions: command ids, one entry per effect. */
  readonly transactionEffects: readonly string[]
  /** Payloads of the rows in the keyed sink. */
  readonly sinkRows: readonly string[]
}

export interface History {
  readonly types: Readonly<Record<string, TypeRule>>
  readonly queues: Readonly<Record<string, QueueRule>>
  readonly events: readonly HistoryEvent[]
  readonly final: FinalDump
}
