// What a running Spillway offers to its user, and to HTTP and CLI, which sit on nothing else.

import type { CommandDefinition, Duration, ResolvedConfig } from '../config/index.js'
import type { CommandState, CompletionOutcome, Receipt } from '../domain/index.js'
import type {
  ManyOptions,
  StreamOptions,
  StreamReport,
  SubmitOptions,
  SubmitVerdict,
} from '../intake/index.js'
import type {
  Accounting,
  Clock,
  CommandView,
  ControlVerdict,
  ListRequest,
  NodeRole,
  NodeView,
  QueueCounts,
  QueueSettings,
  SchemaState,
  SettledEvent,
  Telemetry,
} from '../ports/index.js'
import type {
  ActionOptions,
  Callbacks,
  DeadLetters,
  Operations,
  RedriveRequestOptions,
} from './operator-api.js'
import type { AuditPage, CommandPage } from './pages.js'

export type {
  EachOptions,
  ManyOptions,
  StreamOptions,
  StreamReport,
  SubmitOptions,
  SubmitVerdict,
} from '../intake/index.js'

/** What this process does. All of them by default. */
export type Role = Exclude<NodeRole, 'agent'>

export const ROLES: readonly Role[] = ['intake', 'worker', 'maintenance']

/** A definition, which types the payload, or the name of one: then the payload is checked at run time only. */
// biome-ignore lint/suspicious/noExplicitAny: only the input type matters here
export type CommandOf<Input> = CommandDefinition<string, Input, any> | string

export interface OutcomeOptions {
  /** Wait at most this long for a terminal state. */
  wait?: Duration
  signal?: AbortSignal
  /** Include the payload, as JSON text. */
  payload?: boolean
}

export interface QueueView extends QueueCounts, QueueSettings {
  readonly channel: string
  readonly concurrency: number
  /** Of a queue whose commands come by a broker: messages, each of them a chunk or a single command. Null elsewhere. */
  readonly broker: BrokerView | null
}

/** Counts are null where the broker does not say, or does not answer. */
export interface BrokerView {
  readonly name: string
  /** Messages that nobody has taken, and that a worker has in hand. */
  readonly waiting: number | null
  readonly delivered: number | null
  /** Messages that nobody could read, kept on the broker. */
  readonly refused: number | null
}

export interface NodeStatus extends NodeView {
  /** What it holds at this moment of the roles that only one node may have. */
  readonly holds: readonly string[]
}

/** Those of what commands are kept by (the store and its schema, a broker, a journal) decide about readiness; the others are only shown. */
export interface HealthCheck {
  readonly name: string
  readonly ok: boolean
  readonly detail: string
}

export interface Health {
  /** Whether commands can be accepted now. */
  readonly ready: boolean
  readonly checks: readonly HealthCheck[]
}

export interface EventsOptions {
  /** Only these command types, and these states; default all, but Spillway's own (`spillway.callback`) only where they are named. */
  types?: readonly string[]
  states?: readonly CommandState[]
  signal?: AbortSignal
  /** Events kept for a reader that is slow; the oldest are dropped beyond it, and the next one says how many. Default 10,000. */
  buffer?: number
}

/** Of a command that this process has just settled. */
export interface CommandEventRecord extends SettledEvent {
  /** Events dropped just before this one, because the reader was too slow. */
  readonly dropped: number
}

export interface Spillway {
  readonly config: ResolvedConfig
  readonly roles: readonly Role[]
  readonly workerId: string
  /** Prometheus text, with queue depths read at this moment. */
  readonly metrics: { readonly contentType: string; render(): Promise<string> }
  /** What it measures time by and where it reports to: for what sits on top, such as HTTP. */
  readonly clock: Clock
  readonly telemetry: Telemetry

  /**
   * Resolves once the command is as safe as its channel makes it; rejects with a SpillwayError that says what to do. With `tx`, your own
   * transaction on the store's database, it resolves once the command is written there: it exists when that commits.
   */
  submit<Input>(command: CommandOf<Input>, payload: NoInfer<Input>, options?: SubmitOptions): Promise<Receipt>
  /** One verdict per command, in order; a bad one is refused alone. With `atomic`, all are stored or none. With `tx`, in your transaction. */
  submitMany<Input>(
    command: CommandOf<Input>,
    payloads: readonly NoInfer<Input>[],
    options?: ManyOptions,
  ): Promise<SubmitVerdict[]>
  /** Reads no faster than the queue takes. Memory stays bounded however long the stream is. */
  submitStream<Input>(
    command: CommandOf<Input>,
    payloads: AsyncIterable<NoInfer<Input>> | Iterable<NoInfer<Input>>,
    options?: StreamOptions,
  ): Promise<StreamReport>

  /**
   * The command as it is now; with `wait`, once it is terminal, else `wait_timeout`. While it is on its way by a journal or a broker, only the
   * process that took it knows of it, and says `accepted`.
   * Throws `not_found`, or `expired` when the id is older than the retention.
   */
  outcome(id: string, options?: OutcomeOptions): Promise<CommandView>
  /** Newest first. */
  list(request: ListRequest): Promise<CommandPage>
  /**
   * Accepted, scheduled, retrying and blocked commands; a running one is a conflict, and so is one that is on its way by a journal or a
   * broker, as far as this process knows: nobody can take it back before it has arrived. At most VERB_COMMANDS_MAX ids, as for all verbs. */
  cancel(ids: readonly string[], options?: ActionOptions): Promise<readonly ControlVerdict[]>
  /** Failed, dead and cancelled commands run again, with the same id and attempts counted anew. */
  redrive(ids: readonly string[], options?: RedriveRequestOptions): Promise<readonly ControlVerdict[]>
  /** Dead and failed commands are given up: they become cancelled. */
  discard(ids: readonly string[], options?: ActionOptions): Promise<readonly ControlVerdict[]>
  /**
   * The counterpart's answer to a pending command. Throws `token_unknown` (used, expired or never was) or `state_conflict` (the execution
   * that waits for it has not ended yet: try again).
   */
  complete(token: string, outcome: CompletionOutcome): Promise<CommandView>
  readonly deadLetters: DeadLetters
  readonly callbacks: Callbacks
  readonly operations: Operations
  /** Who did what, newest first. */
  audit(request: { after?: string; limit: number }): Promise<AuditPage>
  /**
   * Calls the listener for every command, but Spillway's own, that this process settles in that state, after the store confirmed it. A
   * listener that throws is counted and disturbs nothing. Returns the unsubscribe function.
   */
  on(state: CommandState, listener: (event: SettledEvent) => void): () => void
  /** The same as an async iterable that ends with its signal or with this Spillway. */
  events(options?: EventsOptions): AsyncIterable<CommandEventRecord>
  /** Spillway's own queues (`spillway.callbacks`, `spillway.operations`) only while they hold something or are set otherwise than by default. */
  queues(): Promise<readonly QueueView[]>
  /** A paused queue accepts but is not worked on, by any process. The reason is for whoever looks at it. */
  pause(queue: string, options?: ActionOptions): Promise<QueueSettings>
  resume(queue: string, options?: ActionOptions): Promise<QueueSettings>
  /** Chunks of the queue that run at once, over all processes; null takes the limit away. */
  limit(queue: string, leasesMax: number | null, options?: ActionOptions): Promise<QueueSettings>
  /** Processes that work on this store, by start time; those that died are shown as such for a while. */
  nodes(): Promise<readonly NodeStatus[]>
  /** Counts everything stored; for checks, not for a dashboard. */
  accounting(): Promise<Accounting>
  schema(): Promise<SchemaState>
  health(): Promise<Health>

  /** Resolves when volatile channels are empty and this process's worker finds nothing it could do now. */
  drain(): Promise<void>
  /** Takes nothing more, flushes, finishes or gives back running work, closes the store. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}
