// How every part of the store runs its SQL. `query` is one statement in a transaction of its own, `transaction` is several.
// In a statement `@.name` stands for `name` in the store's schema. Statements are constants: each is prepared once per
// connection, unless the store was told not to prepare. int8 arrives as a number, json parsed, arrays of numbers and texts
// as arrays, everything else as text, whatever parsers the application set (type-parsers.ts). Errors arrive in Spillway's
// words (errors.ts). Deadlocks and serialization failures, which the server has rolled back, are run again a few times.
//
// `now()` goes along as a parameter wherever a statement needs the time: null, or the time of a test's clock (see nowSql).

import type { ClientBase } from 'pg'
import type { Random } from '../../ports/index.js'
import { BEGIN, commit, rollback } from './commit.js'
import type { Connections } from './connections.js'
import { isRetryable } from './errors.js'
import { Hints } from './hints.js'
import type { Pause } from './machine.js'
import type { Statements } from './statements.js'

/** Where statements run: on a connection inside a transaction, or anywhere. */
export interface Queryable {
  query<Row>(sql: string, values: readonly unknown[]): Promise<Row[]>
  /**
   * The same, planned each time for these values and for what the tables hold now. For statements that join: the plan of a
   * prepared one is kept for a while, and one made while tables were small would read them whole after they grew.
   */
  queryAnew<Row>(sql: string, values: readonly unknown[]): Promise<Row[]>
}

export interface Transaction extends Queryable {
  /** The connection itself, for what is not a statement. */
  readonly client: ClientBase
}

export interface Database extends Queryable {
  /** Quoted. */
  readonly schema: string
  /** ms since the epoch, or null for the database's own clock. */
  now(): number | null
  /**
   * Runs `work` in a transaction and gives its hints once that is committed. `work` may run more than once, and so changes nothing
   * outside the database.
   */
  transaction<T>(work: (tx: Transaction, hints: Hints) => Promise<T>): Promise<T>
  /** Tells whoever waits, here and in other processes. */
  give(hints: Hints): void
}

export interface DatabaseParts {
  readonly connections: Connections
  readonly statements: Statements
  readonly now: () => number | null
  readonly give: (hints: Hints) => void
  readonly pause: Pause
  readonly random: Random
}

/** Runs of one transaction, the first included. */
const RUNS_MAX = 6
const RETRY_MS_MIN = 5
const RETRY_MS_MAX = 200

/** The store's clock in ms; the parameter `$position` is `now()`. */
export function nowSql(position: number): string {
  return `coalesce($${position}::bigint, floor(extract(epoch from clock_timestamp()) * 1000)::bigint)`
}

export function newDatabase({ connections, statements, pause, random, ...parts }: DatabaseParts): Database {
  async function once<T>(work: (tx: Transaction, hints: Hints) => Promise<T>): Promise<T> {
    const hints = new Hints()
    const value = await connections.lend('calls', async (client) => {
      await client.query(statements.of(BEGIN, []))
      try {
        const done = await work(transactionOn(client, statements), hints)
        await commit(client, statements)
        return done
      } catch (error) {
        await rollback(client, statements)
        throw error
      }
    })
    parts.give(hints)
    return value
  }

  async function patiently<T>(run: () => Promise<T>): Promise<T> {
    for (let runs = 1; ; runs += 1) {
      try {
        return await run()
      } catch (error) {
        if (runs === RUNS_MAX || !isRetryable(error)) throw connections.errorOf(error)
        await pause.sleep(Math.min(RETRY_MS_MIN * 2 ** runs, RETRY_MS_MAX) * random())
      }
    }
  }

  return {
    schema: statements.schema,
    now: parts.now,
    give: parts.give,
    transaction: (work) => patiently(() => once(work)),
    query: (sql, values) =>
      patiently(() => connections.lend('calls', (client) => statements.run(client, sql, values))),
    queryAnew: (sql, values) =>
      patiently(() => connections.lend('calls', (client) => statements.runAnew(client, sql, values))),
  }
}

function transactionOn(client: ClientBase, statements: Statements): Transaction {
  return {
    client,
    query: (sql, values) => statements.run(client, sql, values),
    queryAnew: (sql, values) => statements.runAnew(client, sql, values),
  }
}
