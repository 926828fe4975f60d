// What one seed's system looks like: its queues and command types, with leases, timeouts, attempts and backoffs drawn so
// that their combinations meet over many seeds.

import { HUNG_GRACE_MS } from '../../worker/handler-call.js'
import type { QueueRule, TypeRule } from '../checker/index.js'
import type { Dice } from './dice.js'

/** How a type's handler is written. */
export type Shape = 'one' | 'batch' | 'one-in-transaction' | 'batch-in-transaction' | 'sink'

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
}

export interface QueueSpec {
  readonly name: string
  readonly concurrency: number
  readonly partitions: number | null
  readonly leaseMs: number
}

export interface CommandMix {
  readonly types: readonly TypeSpec[]
  readonly queues: readonly QueueSpec[]
  /** The longest lease. */
  readonly leaseMs: number
  /** What a slow command takes at most; longer than a lease in some seeds. */
  readonly slowMsMax: number
}

const QUEUE_OF: Readonly<Record<string, string>> = {
  mail: 'singles',
  click: 'bulk',
  order: 'bulk',
  row: 'rows',
  step: 'steps',
}

export function drawMix(dice: Dice): CommandMix {
  const leaseMs = dice.whole(1_000, 2_000)
  const shapes: Readonly<Record<string, Shape>> = {
    mail: 'one',
    click: 'batch',
    order: dice.pick(['one-in-transaction', 'batch-in-transaction']),
    row: 'sink',
    step: dice.pick(['one', 'batch', 'batch-in-transaction']),
  }
  return {
    leaseMs,
    slowMsMax: dice.pick([50, 400, 1_500, 3_000]),
    types: Object.entries(shapes).map(([name, shape]) => drawType(name, shape, leaseMs, dice)),
    queues: ['singles', 'bulk', 'rows', 'steps'].map((name) => ({
      name,
      concurrency: dice.whole(1, 4),
      partitions: name === 'steps' ? dice.whole(1, 3) : null,
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
  }
}

/** What the checker has to know of it. */
export function rulesOf(mix: CommandMix): {
  types: Record<string, TypeRule>
  queues: Record<string, QueueRule>
} {
  return {
    types: Object.fromEntries(
      mix.types.map(({ name, queue, attempts, shape, timeoutMs }) => [
        name,
        { queue, attempts, effects: effectsOf(shape), hungAfterMs: timeoutMs + HUNG_GRACE_MS },
      ]),
    ),
    queues: Object.fromEntries(mix.queues.map(({ name, concurrency }) => [name, { concurrency }])),
  }
}

function effectsOf(shape: Shape): TypeRule['effects'] {
  if (shape === 'sink') return 'sink'
  return shape === 'one' || shape === 'batch' ? 'plain' : 'transaction'
}
