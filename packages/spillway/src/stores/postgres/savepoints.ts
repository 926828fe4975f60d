// Savepoints in the settlement's transaction: what failed inside is undone, and only that.

import { SpillwayError } from '../../errors/index.js'
import { classifyPostgresError, faulty, isConnectionLost, sqlState } from './errors.js'
import type { HandlerClient } from './handler-client.js'
import type { Statements } from './statements.js'

/** Savepoints inside each other; a bisection of 1,000 commands needs ten. */
const DEPTH_MAX = 64

export type Savepoint = <T>(work: () => T) => Promise<T>

export function newSavepoints({ borrow }: Pick<HandlerClient, 'borrow'>, statements: Statements): Savepoint {
  let depth = 0

  async function run(sql: string): Promise<void> {
    await borrow().query(statements.of(sql, []))
  }

  async function undo(name: string, error: unknown): Promise<void> {
    if (isConnectionLost(error)) return
    await run(`rollback to ${name}; release ${name}`)
  }

  return async (work) => {
    if (depth === DEPTH_MAX)
      throw new SpillwayError('invalid_argument', `Savepoints may be nested ${DEPTH_MAX} deep.`)
    const name = `spillway_${depth}`
    await run(`savepoint ${name}`)
    depth += 1
    try {
      const value = await work()
      await run(`release ${name}`)
      return value
    } catch (error) {
      await undo(name, error)
      throw withFault(error)
    } finally {
      depth -= 1
    }
  }
}

/** Lets whoever runs the handler see how to treat an error of PostgreSQL that the handler let through. */
export function withFault(error: unknown): unknown {
  if (typeof error !== 'object' || error === null || 'fault' in error) return error
  const fault = classifyPostgresError(error)
  return sqlState(error) === null && fault === 'permanent' ? error : faulty(error, fault)
}
