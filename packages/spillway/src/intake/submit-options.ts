// What a caller may say about one command beside its payload. Mistakes are refused, never guessed at: a command that runs at
// the wrong time or without its key is worse than one that was not taken.

import { type Duration, durationMs } from '../config/index.js'
import { CLOCK_SKEW_MS_MAX, DELAY_MS_MAX, PRIORITY_ABS_MAX } from '../domain/index.js'
import { SpillwayError } from '../errors/index.js'

/** What is said about one command of many. */
export interface EachOptions {
  /** Idempotency key; overrides the definition's. */
  key?: string
  /** Higher first; overrides the definition's. */
  priority?: number
  /** Not before this time: a Date or ms since the epoch. */
  runAt?: Date | number
  /** Not before this long from now. */
  delay?: Duration
}

export interface SubmitOptions extends EachOptions {
  /**
   * Your own open transaction on the store's database: the command is written in it and exists once it commits. A `pg` client, a
   * `mysql2` connection, or the transaction that Kysely, Drizzle, Knex or Prisma hand you. Undefined = no transaction.
   */
  tx?: object | undefined
}

const KNOWN: readonly string[] = ['key', 'priority', 'runAt', 'delay'] satisfies (keyof EachOptions)[]

export const NO_OPTIONS: EachOptions = Object.freeze({})

export function checkOptions(options: EachOptions): void {
  if (options === NO_OPTIONS) return
  if (typeof options !== 'object' || options === null) throw unusable('options', 'must be an object')
  if ('tx' in options)
    throw unusable('tx', 'belongs to the whole submit, beside atomic, and not to one command of it')
  for (const name in options) {
    if (!KNOWN.includes(name)) throw unusable(name, `is not a submit option; use ${KNOWN.join(', ')}`)
  }
}

export function priorityOf(options: EachOptions, fallback: number): number {
  const { priority } = options
  if (priority === undefined) return fallback
  if (!Number.isSafeInteger(priority) || Math.abs(priority) > PRIORITY_ABS_MAX) {
    throw unusable('priority', `must be a whole number from -${PRIORITY_ABS_MAX} to ${PRIORITY_ABS_MAX}`)
  }
  return priority
}

/** When the command may run at the earliest, in ms since the epoch; null when that is now. */
export function runAtOf(options: EachOptions, now: () => number): number | null {
  const { runAt, delay } = options
  if (runAt === undefined && delay === undefined) return null
  if (runAt !== undefined && delay !== undefined)
    throw unusable('delay', 'and runAt exclude each other; give one of them')
  const current = now()
  const at = runAt === undefined ? current + delayMs(delay as Duration) : timeOf(runAt)
  if (at - current > DELAY_MS_MAX)
    throw unusable(runAt === undefined ? 'delay' : 'runAt', 'is more than ten years away')
  // Whether a time has come is the store's to say. Only what is past by any clock skips the wait for it.
  const pastAt = runAt === undefined ? current : current - CLOCK_SKEW_MS_MAX
  return at > pastAt ? at : null
}

function timeOf(runAt: Date | number): number {
  const at = runAt instanceof Date ? runAt.getTime() : runAt
  if (typeof at !== 'number' || !Number.isFinite(at))
    throw unusable('runAt', 'must be a valid Date or ms since the epoch')
  return Math.ceil(at)
}

function delayMs(delay: Duration): number {
  try {
    return Math.ceil(durationMs(delay, 'delay'))
  } catch (cause) {
    throw unusable('delay', "must be milliseconds or a text like '500ms', '20s', '5m', '2h', '1d'", cause)
  }
}

function unusable(option: string, problem: string, cause?: unknown): SpillwayError {
  return new SpillwayError('invalid_argument', `${option} ${problem}.`, { details: { option }, cause })
}
