// What one seed's system looks like: its queues and command types, with leases, timeouts, attempts and backoffs drawn so
// that their combinations meet over many seeds.

import { CALLBACK_QUEUE, CALLBACK_TYPE } from '../../app/built-ins.js'
import { HUNG_GRACE_MS } from '../../worker/handler-call.js'
import type { BadDayRule, QueueRule, TypeRule } from '../checker/index.js'
import type { Dice } from './dice.js'

/** How a type's handler is written. */
export type Shape = 'one' | 'batch' | 'one-in-transaction' | 'batch-in-transaction' | 'sink'

/** What a type can do on bad days besides being executed again. */
export interface Abilities {
  /** How it is asked whether a command happened. */
  readonly reconcile: 'one' | 'batch' | null
  readonly compensate: boolean
  /** Its work is done in so many steps, each of which can be undone. */
  readonly steps: number
  readonly poll: boolean
  /** Tries of each stage. */
  readonly reconciliations: number
  readonly compensations: number
  readonly undoneWhenDead: boolean
  readonly onFailed: 'final' | 'retry'
  readonly callback: boolean
}

export interface TypeSpec {
  readonly name: string
  readonly queue: string
  readonly shape: Shape
  readonly attempts: number
  readonly timeoutMs: number
  readonly backoffMs: number
  readonly backoffMaxMs: number
  readonly windowMs: number
  readonly batchSize: number
  readonly batchWaitMs: number
  readonly abilities: Abilities
}

export interface QueueSpec {
  readonly name: string
  readonly concurrency: number
  readonly partitions: number | null
  readonly onDead: 'skip' | 'block'
  readonly leaseMs: number
}

/** Milliseconds instead of hours. */
export const CALLBACK_SCHEDULE_MS: readonly number[] = [50, 150, 300]
export const CALLBACK_CONCURRENCY = 3
const CALLBACK_ATTEMPTS = CALLBACK_SCHEDULE_MS.length + 1

export interface CommandMix {
  readonly types: readonly TypeSpec[]
  readonly queues: readonly QueueSpec[]
  /** The longest lease. */
  readonly leaseMs: number
  /** What a slow command takes at most; longer than a lease in some seeds. */
  readonly slowMsMax: number
}

/** Nothing can be to say about its commands but that their rows are there. */
export const SHORT_TYPE = 'tick'
/** Where a process that takes calls may execute as well. */
export const SHORT_QUEUE = 'rows'

const QUEUE_OF: Readonly<Record<string, string>> = {
  mail: 'singles',
  click: 'bulk',
  order: 'bulk',
  row: 'rows',
  tick: 'rows',
  step: 'steps',
  letter: 'letters',
  trip: 'letters',
}

export function drawMix(dice: Dice): CommandMix {
  const leaseMs = dice.whole(1_000, 2_000)
  const shapes: Readonly<Record<string, Shape>> = {
    mail: 'one',
    click: 'batch',
    order: dice.pick(['one-in-transaction', 'batch-in-transaction']),
    row: 'sink',
    tick: 'sink',
    step: dice.pick(['one', 'batch', 'batch-in-transaction']),
    letter: 'one',
    trip: 'one',
  }
  return {
    leaseMs,
    slowMsMax: dice.pick([50, 400, 1_500, 3_000]),
    types: Object.entries(shapes).map(([name, shape]) => drawType(name, shape, leaseMs, dice)),
    queues: ['singles', 'bulk', 'rows', 'steps', 'letters'].map((name) => ({
      name,
      concurrency: dice.whole(1, 4),
      partitions: name === 'steps' ? dice.whole(1, 3) : null,
      onDead: name === 'steps' && dice.chance(0.5) ? 'block' : 'skip',
      leaseMs,
    })),
  }
}

function drawType(name: string, shape: Shape, leaseMs: number, dice: Dice): TypeSpec {
  return {
    name,
    shape,
    queue: QUEUE_OF[name] ?? name,
    attempts: dice.pick([1, 2, 2, 3, 3, 3, 4, 5]),
    timeoutMs: dice.whole(300, leaseMs * 3),
    backoffMs: dice.whole(20, 300),
    backoffMaxMs: 1_000,
    windowMs: dice.chance(0.3) ? dice.whole(8_000, 15_000) : 86_400_000,
    batchSize: dice.whole(2, 12),
    batchWaitMs: dice.whole(0, 30),
    abilities: isOutside(shape)
      ? drawAbilities(name, shape, dice)
      : { ...NONE, callback: name !== SHORT_TYPE && dice.chance(0.3) },
  }
}

const NONE: Abilities = {
  ...{ reconcile: null, compensate: false, steps: 0, poll: false },
  ...{ reconciliations: 1, compensations: 1, undoneWhenDead: false, onFailed: 'final', callback: false },
}

function drawAbilities(name: string, shape: Shape, dice: Dice): Abilities {
  const [isLetter, isTrip] = [name === 'letter', name === 'trip']
  return {
    reconcile: isLetter || dice.chance(0.3) ? dice.pick(['one', 'batch'] as const) : null,
    compensate: dice.chance(isLetter ? 0.7 : 0.3),
    steps: isTrip ? dice.whole(1, 3) : shape === 'one' && dice.chance(0.1) ? 2 : 0,
    poll: dice.chance(0.3),
    reconciliations: dice.whole(1, 4),
    compensations: dice.whole(1, 4),
    undoneWhenDead: dice.chance(0.4),
    onFailed: dice.chance(0.2) ? 'retry' : 'final',
    callback: dice.chance(isLetter ? 0.7 : 0.3),
  }
}

/** Whether the effects of its commands are outside of the store. */
export function isOutside(shape: Shape): boolean {
  return effectsOf(shape) === 'plain'
}

/** Ends that upstream is told of. */
const TOLD = ['succeeded', 'failed', 'dead', 'compensated'] as const

/** Their sender answers within moments; only a store that does not can keep them. */
const CALLBACK_RULE: TypeRule = {
  ...{ queue: CALLBACK_QUEUE, attempts: CALLBACK_ATTEMPTS, effects: 'callback', hungAfterMs: 60_000 },
}

/** What the checker has to know of it. */
export function rulesOf(mix: CommandMix): {
  types: Record<string, TypeRule>
  queues: Record<string, QueueRule>
} {
  return {
    types: {
      ...Object.fromEntries(mix.types.map((type) => [type.name, ruleOf(type)])),
      [CALLBACK_TYPE]: CALLBACK_RULE,
    },
    queues: {
      ...Object.fromEntries(
        mix.queues.map(({ name, concurrency, onDead }) => [name, { concurrency, onDead }]),
      ),
      [CALLBACK_QUEUE]: { concurrency: CALLBACK_CONCURRENCY },
    },
  }
}

function ruleOf({ queue, attempts, shape, timeoutMs, abilities }: TypeSpec): TypeRule {
  const { reconcile, reconciliations, compensate, compensations, steps, undoneWhenDead, callback } = abilities
  const rule: TypeRule = {
    queue,
    attempts,
    effects: effectsOf(shape),
    hungAfterMs: timeoutMs + HUNG_GRACE_MS,
  }
  const badDays: BadDayRule = {
    reconciliations: reconcile === null ? null : reconciliations,
    compensations: compensate || steps > 0 ? compensations : null,
    undoneAsWhole: compensate,
    undoneWhenDead,
  }
  return { ...rule, ...(isOutside(shape) ? { badDays } : {}), ...(callback ? { tells: TOLD } : {}) }
}

function effectsOf(shape: Shape): TypeRule['effects'] {
  if (shape === 'sink') return 'sink'
  return shape === 'one' || shape === 'batch' ? 'plain' : 'transaction'
}
