// What the three ways of submitting share: finding the lane of a command type, preparing a command without letting its faults
// throw, offering it to its channel, and counting the answer.

import type { AnyCommand, ResolvedQueue } from '../config/index.js'
import type { Receipt } from '../domain/index.js'
import { isSpillwayError, SpillwayError } from '../errors/index.js'
import type { Channel, Clock, OfferVerdict, PreparedCommand, Telemetry } from '../ports/index.js'
import { type PrepareContext, prepare } from './prepare.js'
import { emptyTally, ReceivedCounter, type ReceivedOutcome, type Tally } from './received-counter.js'
import type { EachOptions } from './submit-options.js'
import { TransactionTurns } from './transaction-turns.js'

export interface IntakeOptions {
  readonly definitions: ReadonlyMap<string, AnyCommand>
  readonly queues: ReadonlyMap<string, ResolvedQueue>
  /** By queue name. */
  readonly channels: ReadonlyMap<string, Channel>
  readonly clock: Clock
  readonly telemetry: Telemetry
}

/** A definition, or a command type by name. */
export type CommandLike = string | Pick<AnyCommand, 'name'>

/** One per command of a bulk submit, in order. */
export type SubmitVerdict =
  | { readonly ok: true; readonly receipt: Receipt }
  | { readonly ok: false; readonly error: SpillwayError }

/** Where commands of one type go. */
export interface Lane extends PrepareContext {
  readonly channel: Channel
  readonly tally: Tally
}

export type Prepared = PreparedCommand | SpillwayError

/** What is counted for a command type that does not exist: its name is the caller's to choose, and so no label. */
const UNKNOWN = '_unknown'

export class Reception {
  readonly clock: Clock
  readonly turns = new TransactionTurns()
  readonly #lanes = new Map<string, Lane>()
  readonly #counter: ReceivedCounter
  readonly #unknown = emptyTally(UNKNOWN, UNKNOWN)

  constructor({ definitions, queues, channels, clock, telemetry }: IntakeOptions) {
    this.clock = clock
    this.#counter = new ReceivedCounter(clock, telemetry)
    const now = (): number => clock.now()
    for (const definition of definitions.values()) {
      const queue = queues.get(definition.queue)
      const channel = channels.get(definition.queue)
      if (queue === undefined || channel === undefined) {
        throw new SpillwayError(
          'internal',
          `Command ${definition.name} has no channel for its queue ${definition.queue}.`,
        )
      }
      const tally = emptyTally(queue.name, definition.name)
      this.#lanes.set(definition.name, { definition, partitions: queue.partitions, channel, tally, now })
    }
  }

  /** Throws `unknown_command`. */
  laneOf(command: CommandLike): Lane {
    const name = typeof command === 'string' ? command : command?.name
    const lane = this.#lanes.get(name)
    if (lane !== undefined) return lane
    this.#counter.count(this.#unknown, 'rejected', 0)
    throw new SpillwayError(
      'unknown_command',
      `There is no command ${JSON.stringify(String(name).slice(0, 100))}; define it and list it in the config's commands.`,
    )
  }

  /** Never throws: what is wrong with a command is its own answer. */
  prepare(lane: Lane, payload: unknown, optionsOf: () => EachOptions): Prepared | Promise<Prepared> {
    try {
      const prepared = prepare(lane, payload, optionsOf())
      return prepared instanceof Promise ? prepared.catch(refusal) : prepared
    } catch (error) {
      return refusal(error)
    }
  }

  /** Answers through `done`, exactly once, now or later. */
  offer(lane: Lane, prepared: Prepared, startedAt: number, done: (verdict: OfferVerdict) => void): void {
    if (prepared instanceof SpillwayError) {
      this.count(lane, 'rejected', startedAt)
      done({ status: 'rejected', error: prepared })
      return
    }
    lane.channel.offer(prepared, (verdict) => {
      this.count(lane, verdict.status, startedAt)
      done(verdict)
    })
  }

  count(lane: Lane, outcome: ReceivedOutcome, startedAt: number): void {
    this.#counter.count(lane.tally, outcome, startedAt)
  }
}

export function receiptOf(
  { definition }: Lane,
  verdict: Exclude<OfferVerdict, { status: 'rejected' }>,
): Receipt {
  const { id, status, durability, acceptedAt } = verdict
  return { id, status, durability, type: definition.name, queue: definition.queue, acceptedAt }
}

export function submitVerdict(lane: Lane, verdict: OfferVerdict): SubmitVerdict {
  return verdict.status === 'rejected'
    ? { ok: false, error: verdict.error }
    : { ok: true, receipt: receiptOf(lane, verdict) }
}

function refusal(error: unknown): SpillwayError {
  if (isSpillwayError(error)) return error
  return new SpillwayError('invalid_argument', 'The command could not be prepared; see the cause.', {
    cause: error,
  })
}
