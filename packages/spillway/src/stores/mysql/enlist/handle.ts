// What the store needs of a caller's transaction, whichever library it comes from. Libraries are recognised by their shape, never
// imported: none of them is a dependency.

import { SpillwayError } from '../../../errors/index.js'
import type { Runner } from './runner.js'

export const SAVEPOINT = 'savepoint spillway_submit'

export interface Handle extends Runner {
  /**
   * Sets the savepoint and says whether a transaction was open: outside of one MySQL ignores it. Null when the library does not tell,
   * which then takes a second question.
   */
  savepoint(): Promise<boolean | null>
}

/** Properties of something whose type is not known. */
export type Shape = Readonly<Record<PropertyKey, unknown>>

export function isShape(value: unknown): value is Shape {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}

/** A function of that name, bound to its object. */
export function methodOf(shape: Shape, name: string): ((...args: unknown[]) => unknown) | null {
  const method = shape[name]
  return typeof method === 'function' ? (method.bind(shape) as (...args: unknown[]) => unknown) : null
}

const USABLE =
  'a mysql2 connection after BEGIN, or the transaction that Kysely, Drizzle, Knex or Prisma hand to your callback'

/** `what` says what was passed instead of an open transaction on this store's database. */
export function refusal(what: string, cause?: unknown): SpillwayError {
  return new SpillwayError('invalid_argument', `tx is ${what}. Pass ${USABLE}.`, {
    details: { option: 'tx' },
    ...(cause === undefined ? {} : { cause }),
  })
}
