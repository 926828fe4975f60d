// The public face of a running Spillway: every method hands over to the part that does it.

import { durationMs, type ResolvedConfig, type ResolvedQueue } from '../config/index.js'
import {
  type CommandState,
  type CompletionOutcome,
  chunkIdTime,
  isTerminal,
  parseCommandId,
  type Receipt,
} from '../domain/index.js'
import { SpillwayError } from '../errors/index.js'
import type { Intake } from '../intake/index.js'
import type {
  Accounting,
  Clock,
  CommandView,
  ControlVerdict,
  ListRequest,
  QueueSettings,
  SchemaState,
  SettledEvent,
  Store,
  Telemetry,
} from '../ports/index.js'
import type {
  CommandEventRecord,
  CommandOf,
  EventsOptions,
  Health,
  ManyOptions,
  NodeStatus,
  OutcomeOptions,
  QueueView,
  Role,
  Spillway,
  StreamOptions,
  StreamReport,
  SubmitOptions,
  SubmitVerdict,
} from './api.js'
import type { CommandEvents } from './command-events.js'
import type { CommandVerbs } from './command-verbs.js'
import type { Completions } from './completions.js'
import type { Connections } from './connections/index.js'
import { checkHealth } from './health.js'
import { nodeStatuses } from './node-statuses.js'
import type {
  ActionOptions,
  Callbacks,
  DeadLetters,
  Operations,
  RedriveRequestOptions,
} from './operator-api.js'
import type { OutcomeWatch } from './outcome-watch.js'
import { checkCommandPage, checkPageLimit } from './page-request.js'
import type { AuditPage, CommandPage } from './pages.js'
import { limitQueue, pauseQueue, resumeQueue } from './queue-verbs.js'
import { queueViews } from './queue-views.js'
import type { Stations } from './stations.js'

export interface RunningParts {
  readonly config: ResolvedConfig
  /** With Spillway's own. */
  readonly queues: ReadonlyMap<string, ResolvedQueue>
  readonly roles: readonly Role[]
  readonly workerId: string
  readonly metrics: Spillway['metrics']
  readonly clock: Clock
  readonly telemetry: Telemetry
  readonly connections: Connections
  readonly store: Store
  /** A command that this process sent on by a journal or a broker, and that may still be on its way. */
  readonly sent: (id: string) => CommandView | null
  /** Null in a process that takes no commands. */
  readonly intake: Intake | null
  readonly watch: OutcomeWatch
  readonly stations: Stations
  readonly events: CommandEvents
  readonly verbs: CommandVerbs
  readonly completions: Completions
  readonly deadLetters: DeadLetters
  readonly callbacks: Callbacks
  readonly operations: Operations
}

export class RunningSpillway implements Spillway {
  readonly config: ResolvedConfig
  readonly roles: readonly Role[]
  readonly workerId: string
  readonly metrics: Spillway['metrics']
  readonly clock: Clock
  readonly telemetry: Telemetry
  readonly deadLetters: DeadLetters
  readonly callbacks: Callbacks
  readonly operations: Operations
  readonly #parts: RunningParts
  #closing: Promise<void> | null = null

  constructor(parts: RunningParts) {
    this.config = parts.config
    this.roles = parts.roles
    this.workerId = parts.workerId
    this.metrics = parts.metrics
    this.clock = parts.clock
    this.telemetry = parts.telemetry
    this.deadLetters = parts.deadLetters
    this.callbacks = parts.callbacks
    this.operations = parts.operations
    this.#parts = parts
  }

  // Not an async function: it would add a promise to the one that intake makes per command.
  submit<Input>(
    command: CommandOf<Input>,
    payload: NoInfer<Input>,
    options?: SubmitOptions,
  ): Promise<Receipt> {
    const intake = this.#intake()
    return intake instanceof SpillwayError ? Promise.reject(intake) : intake.submit(command, payload, options)
  }

  async submitMany<Input>(
    command: CommandOf<Input>,
    payloads: readonly NoInfer<Input>[],
    options?: ManyOptions,
  ): Promise<SubmitVerdict[]> {
    return this.#openIntake().submitMany(command, payloads, options)
  }

  async submitStream<Input>(
    command: CommandOf<Input>,
    payloads: AsyncIterable<NoInfer<Input>> | Iterable<NoInfer<Input>>,
    options?: StreamOptions,
  ): Promise<StreamReport> {
    return this.#openIntake().submitStream(command, payloads, options)
  }

  async outcome(id: string, options: OutcomeOptions = {}): Promise<CommandView> {
    const waitMs = options.wait === undefined ? 0 : durationMs(options.wait, 'wait')
    if (parseCommandId(id) === null) throw notFound(id, this.config)
    const seen = await this.#parts.watch.wait(id, waitMs, options)
    if (seen === null) throw this.#absent(id)
    if (waitMs > 0 && !isTerminal(seen.state) && options.signal?.aborted !== true) {
      throw new SpillwayError(
        'wait_timeout',
        `Command ${id} is ${seen.state} after ${waitMs} ms; ask again, or wait longer.`,
        {
          details: { id, state: seen.state, waitMs },
        },
      )
    }
    return seen
  }

  async list(request: ListRequest): Promise<CommandPage> {
    checkCommandPage(request)
    return this.#parts.store.reader.list(request)
  }

  cancel(ids: readonly string[], options?: ActionOptions): Promise<readonly ControlVerdict[]> {
    return this.#parts.verbs.cancel(ids, options)
  }

  redrive(ids: readonly string[], options?: RedriveRequestOptions): Promise<readonly ControlVerdict[]> {
    return this.#parts.verbs.redrive(ids, options)
  }

  discard(ids: readonly string[], options?: ActionOptions): Promise<readonly ControlVerdict[]> {
    return this.#parts.verbs.discard(ids, options)
  }

  complete(token: string, outcome: CompletionOutcome): Promise<CommandView> {
    return this.#parts.completions.complete(token, outcome)
  }

  async audit(request: { after?: string; limit: number }): Promise<AuditPage> {
    checkPageLimit(request.limit)
    return this.#parts.store.reader.audit(request)
  }

  on(state: CommandState, listener: (event: SettledEvent) => void): () => void {
    return this.#parts.events.on(state, listener)
  }

  events(options?: EventsOptions): AsyncIterable<CommandEventRecord> {
    return this.#parts.events.events(options)
  }

  async queues(): Promise<readonly QueueView[]> {
    const { queues, store, connections } = this.#parts
    const [counts, settings, brokers] = await Promise.all([
      store.reader.queues(),
      store.control.queueSettings(),
      connections.brokerStates(),
    ])
    return queueViews(queues, { counts, settings, brokers })
  }

  pause(queue: string, options: ActionOptions = {}): Promise<QueueSettings> {
    return pauseQueue(this.#parts, queue, options)
  }

  resume(queue: string, options: ActionOptions = {}): Promise<QueueSettings> {
    return resumeQueue(this.#parts, queue, options)
  }

  limit(queue: string, leasesMax: number | null, options: ActionOptions = {}): Promise<QueueSettings> {
    return limitQueue(this.#parts, queue, leasesMax, options)
  }

  nodes(): Promise<readonly NodeStatus[]> {
    return nodeStatuses(this.#parts.store)
  }

  accounting(): Promise<Accounting> {
    return this.#parts.store.reader.accounting()
  }

  schema(): Promise<SchemaState> {
    return this.#parts.store.schema.state()
  }

  health(): Promise<Health> {
    const { store, connections } = this.#parts
    return checkHealth(store, connections, this.#closing !== null)
  }

  drain(): Promise<void> {
    return this.#parts.stations.drain()
  }

  close(): Promise<void> {
    this.#closing ??= this.#parts.stations.close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #intake(): Intake | SpillwayError {
    if (this.#closing !== null)
      return new SpillwayError('closed', 'This Spillway is closed; submit to another process.')
    const { intake } = this.#parts
    return (
      intake ?? new SpillwayError('unsupported', "This process takes no commands: give it the role 'intake'.")
    )
  }

  #openIntake(): Intake {
    const intake = this.#intake()
    if (intake instanceof SpillwayError) throw intake
    return intake
  }

  /** Whether a command that is not there was there once can only be told by its id's age. */
  #absent(id: string): SpillwayError {
    const { clock, config } = this.#parts
    const { retentionMs } = config.maintenance
    const madeAt = chunkIdTime(parseCommandId(id)?.chunkId ?? '')
    if (madeAt + retentionMs >= clock.now()) return notFound(id, config)
    return new SpillwayError(
      'expired',
      `Command ${id} is older than the retention of ${retentionMs} ms and was removed.`,
      {
        details: { id, retentionMs },
      },
    )
  }
}

function notFound(id: string, { queues }: ResolvedConfig): SpillwayError {
  const travels = [...queues.values()].some(
    ({ channel }) => channel.kind === 'journal' || channel.kind === 'broker',
  )
  return new SpillwayError(
    'not_found',
    travels
      ? 'There is no command with that id. One that is on its way by a journal or a broker is known to others than the process that took it once it has arrived.'
      : 'There is no command with that id.',
    { details: { id: String(id).slice(0, 100) } },
  )
}
