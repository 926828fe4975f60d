// The counterpart's answer to a pending command. It is decided like the answer to a poll, because it is one that was not asked for; the
// store sees to it that of two answers, or of an answer and a deadline, exactly one counts. No operator does it: it is in the command's
// history, not in the audit.

import type { AnyCommand } from '../config/index.js'
import {
  type CommandUpdate,
  type CompletionOutcome,
  completionTokenHash,
  isHandlerOutcome,
  type Outcome,
  orderingKeyHash,
  parseCommandId,
  TOKEN_LENGTH_MAX,
} from '../domain/index.js'
import { SpillwayError } from '../errors/index.js'
import {
  type Clock,
  type CommandView,
  type ExecutableCommand,
  type Executor,
  type Random,
  type ReportedUpdate,
  type SettledListener,
  type Store,
  settledEvent,
  type Telemetry,
  type TelemetryEvent,
  type WaitingCommand,
} from '../ports/index.js'
import { keepable } from '../worker/keepable.js'
import { Reporter, type ReporterOptions } from '../worker/reporter.js'
import { StepRecords } from '../worker/step-records.js'
import { mayHaveSteps } from '../worker/undoable.js'
import type { CallbackComposer } from './callback-composer.js'
import type { ReadCommands } from './outcome-watch.js'

/** How often, and how far apart, a command that is being polled at this moment is tried again: about two seconds in all. */
const BUSY_TRIES_MAX = 20
const BUSY_PAUSE_MS = 100

export interface CompletionsOptions {
  readonly store: Pick<Store, 'control' | 'reader' | 'shared'>
  readonly definitions: ReadonlyMap<string, AnyCommand>
  readonly queues: NonNullable<ReporterOptions['queues']>
  /** Null when nobody is called back. */
  readonly composer: CallbackComposer | null
  readonly executor: Pick<Executor, 'forget'>
  readonly listener: SettledListener
  /** Told the chunks of commands that have ended. */
  readonly ended: (chunkIds: readonly string[]) => void
  /** Also of commands that only this process knows. */
  readonly read: ReadCommands
  readonly workerId: string
  readonly clock: Clock
  readonly random: Random
  readonly telemetry: Telemetry
}

/** What the answer leads to, and the events that are only true once it is in the store. */
interface Decided {
  readonly update: ReportedUpdate
  readonly events: readonly TelemetryEvent[]
}

export class Completions {
  readonly #options: CompletionsOptions
  readonly #records: StepRecords

  constructor(options: CompletionsOptions) {
    this.#options = options
    this.#records = new StepRecords({ ...options, shared: options.store.shared })
  }

  async complete(token: string, outcome: CompletionOutcome): Promise<CommandView> {
    const tokenHash = checkedTokenHash(token)
    checkOutcome(outcome)
    const waiting = await this.#options.store.reader.waiting(tokenHash)
    if (waiting === null) throw await this.#nobodyWaits(token)
    const definition = this.#definitionOf(waiting.view)
    const command = commandOf(definition, waiting)
    const decided = await this.#decide(definition, command, kept(outcome, definition))
    await this.#write(tokenHash, decided.update)
    this.#afterwards(definition, command, decided)
    const [view] = await this.#options.store.reader.get([command.id])
    return view ?? waiting.view
  }

  async #decide(definition: AnyCommand, command: ExecutableCommand, outcome: Outcome): Promise<Decided> {
    const { composer } = this.#options
    const events: TelemetryEvent[] = []
    const undoable =
      outcome.outcome !== 'ok' && mayHaveSteps(definition)
        ? await this.#records.undoable([command.id])
        : new Set<string>()
    const reporter = new Reporter({
      ...this.#options,
      telemetry: { record: (event) => events.push(event) },
      callbackOf: (...about) => composer?.composeReported(...about) ?? null,
    })
    const facts = { durations: null, isUndoable: () => undoable.size > 0, hasRecord: () => false }
    const answers = { stage: 'poll', outcomes: [outcome] } as const
    const [update] = reporter.report(definition, [command], answers, facts)
    return { update: update ?? plainSuccess(command), events }
  }

  async #write(
    tokenHash: string,
    { callback, forget: _, index: __, ...update }: ReportedUpdate,
  ): Promise<void> {
    const { store, composer, clock } = this.#options
    const draft = callback === undefined || composer === null ? null : composer.draft(callback)
    const options = draft === null ? {} : { appends: [draft] }
    for (let tries = 1; ; tries += 1) {
      const [verdict] = await store.control.complete([{ tokenHash, update }], options)
      if (verdict === 'ok') return
      if (verdict !== 'busy') throw unknownToken()
      if (tries === BUSY_TRIES_MAX) throw notNow('the counterpart is being asked about it at this moment')
      await clock.sleep(BUSY_PAUSE_MS)
    }
  }

  #afterwards(definition: AnyCommand, command: ExecutableCommand, { update, events }: Decided): void {
    const { telemetry, executor, listener, ended } = this.#options
    for (const event of events) telemetry.record(event)
    if (update.state === 'succeeded' && mayHaveSteps(definition)) executor.forget([command.id])
    ended([parseCommandId(command.id)?.chunkId ?? command.id])
    if (!listener.listening()) return
    const event = settledEvent(command, { queue: definition.queue, type: definition.name }, update)
    if (event !== null) listener.settled([event])
  }

  #definitionOf({ type }: CommandView): AnyCommand {
    const definition = this.#options.definitions.get(type)
    if (definition !== undefined) return definition
    throw new SpillwayError(
      'unsupported',
      `What follows for ${type} is not known here: complete it in a process that defines this command.`,
      { details: { type } },
    )
  }

  /** A token that Spillway made tells whose it is; the answer may come before the execution that waits for it has ended. */
  async #nobodyWaits(token: string): Promise<SpillwayError> {
    const id = token.slice(0, token.indexOf('.'))
    if (parseCommandId(id) === null) return unknownToken()
    const [view = null] = await this.#options.read([id])
    const isUnderWay = view?.state === 'accepted' || view?.state === 'running'
    return isUnderWay
      ? notNow('the execution that will wait for this answer has not ended yet')
      : unknownToken()
  }
}

function checkedTokenHash(token: unknown): string {
  if (typeof token !== 'string')
    throw new SpillwayError('invalid_argument', 'token: give the token as a text.')
  if (token === '' || token.length > TOKEN_LENGTH_MAX) throw unknownToken()
  return completionTokenHash(token)
}

function checkOutcome(outcome: unknown): asserts outcome is CompletionOutcome {
  if (isHandlerOutcome(outcome) && outcome.outcome !== 'pending') return
  throw new SpillwayError(
    'invalid_argument',
    'outcome: give ok(value), failed(reason), retry(reason) or unknown(reason).',
  )
}

/** Bounded, and with its value as JSON text. */
function kept(outcome: CompletionOutcome, definition: AnyCommand): Outcome {
  const checked = keepable(outcome, definition) ?? { outcome: 'ok' }
  if (checked.outcome === 'exception') throw new SpillwayError('invalid_argument', checked.error.message)
  return checked
}

function commandOf(definition: AnyCommand, { view, payload: json }: WaitingCommand): ExecutableCommand {
  const payload: unknown = JSON.parse(json)
  const key = definition.orderingKey?.(payload)
  return {
    ...{ id: view.id, index: 0, payload, attempt: view.attempts, acceptedAt: view.acceptedAt },
    memo: view.memo,
    orderingKey: key === undefined ? null : orderingKeyHash(key),
  }
}

function plainSuccess({ index, attempt }: ExecutableCommand): CommandUpdate {
  return { index, state: 'succeeded', attempts: attempt, delayMs: 0, error: null }
}

function unknownToken(): SpillwayError {
  return new SpillwayError(
    'token_unknown',
    'No command waits for this token: it was used, has expired or never was.',
  )
}

function notNow(why: string): SpillwayError {
  return new SpillwayError('state_conflict', `The command cannot be completed yet: ${why}; try again.`, {
    details: { retry: true },
  })
}
