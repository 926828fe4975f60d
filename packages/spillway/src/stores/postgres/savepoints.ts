// Savepoints in the settlement's transaction: what failed inside is undone, and only that. Setting and releasing one waits for
// whatever statement comes next and travels with it where that is the store's own, so `into()` pays no round trip for its savepoint,
// and a handler that sends nothing pays nothing. Once a handler uses the connection itself, each is awaited: the
// release is what finds out that a statement failed and the handler went on.

import { SpillwayError } from '../../errors/index.js'
import { classifyPostgresError, faulty, isConnectionLost, sqlState } from './errors.js'
import type { HandlerClient } from './handler-client.js'
import type { Statements } from './statements.js'

/** Savepoints inside each other; a bisection of 1,000 commands needs ten. */
const DEPTH_MAX = 64

export interface Savepoints {
  around<T>(work: () => T): Promise<T>
  /** What is to be sent before the next statement, in one text; from here on it counts as sent. */
  takeUnsent(): string | null
  /** Sends it before a statement of the handler's. Null when there is nothing to wait for. */
  beforeHandlers(): Promise<void> | null
}

export function newSavepoints({ borrow }: Pick<HandlerClient, 'borrow'>, statements: Statements): Savepoints {
  let unsent: string[] = []
  let sending: Promise<void> | null = null
  let isHandlers = false
  let depth = 0

  async function run(sql: string): Promise<void> {
    await borrow().query(statements.of(sql, []))
  }

  function takeUnsent(): string | null {
    if (unsent.length === 0) return null
    const text = unsent.join('; ')
    unsent = []
    return text
  }

  async function sendUnsent(text: string): Promise<void> {
    try {
      await run(text)
    } finally {
      sending = null
    }
  }

  async function set(name: string): Promise<void> {
    borrow()
    unsent.push(setting(name))
    if (isHandlers) await run(takeUnsent() as string)
  }

  async function release(name: string): Promise<void> {
    if (unsent.at(-1) === setting(name)) unsent.pop()
    else if (isHandlers) await run(releasing(name))
    // Those inside it that wait to be released are released with it.
    else unsent = [releasing(name)]
  }

  async function undo(name: string): Promise<void> {
    if (unsent.at(-1) === setting(name)) {
      unsent.pop()
      return
    }
    unsent = []
    await run(`rollback to ${name}; ${releasing(name)}`)
  }

  return {
    takeUnsent,
    beforeHandlers() {
      isHandlers = true
      const text = takeUnsent()
      if (text !== null) sending = sendUnsent(text)
      return sending
    },
    async around(work) {
      if (depth === DEPTH_MAX)
        throw new SpillwayError('invalid_argument', `Savepoints may be nested ${DEPTH_MAX} deep.`)
      const name = `spillway_${depth}`
      await set(name)
      depth += 1
      try {
        const value = await work()
        await release(name)
        return value
      } catch (error) {
        if (!isConnectionLost(error)) await undo(name)
        throw withFault(error)
      } finally {
        depth -= 1
      }
    },
  }
}

function setting(name: string): string {
  return `savepoint ${name}`
}

function releasing(name: string): string {
  return `release ${name}`
}

/** Lets whoever runs the handler see how to treat an error of PostgreSQL that the handler let through. */
export function withFault(error: unknown): unknown {
  if (typeof error !== 'object' || error === null || 'fault' in error) return error
  const fault = classifyPostgresError(error)
  return sqlState(error) === null && fault === 'permanent' ? error : faulty(error, fault)
}
