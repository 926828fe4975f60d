// The store's statements as the driver runs them. A statement's name is made from its text: two that differ never meet under
// one name, not even on a connection that other processes used before.

import { hash } from 'node:crypto'
import type { ClientBase, QueryConfig } from 'pg'
import { inSchema } from './in-schema.js'
import { STORE_TYPES } from './type-parsers.js'

/** The driver takes a deadline per query. */
export type Statement = QueryConfig & { readonly query_timeout: number }

export interface Statements {
  /** `schema` stands before every name. */
  readonly schema: string
  of(sql: string, values: readonly unknown[]): Statement
  run<Row>(client: ClientBase, sql: string, values: readonly unknown[]): Promise<Row[]>
  /** With names of others in it, so that the schema is there already. */
  asIs(text: string, values: readonly unknown[]): Statement
  /** Not prepared: planned for these values and for what the tables hold now. */
  runAnew<Row>(client: ClientBase, sql: string, values: readonly unknown[]): Promise<Row[]>
}

export interface StatementOptions {
  readonly prepare: boolean
  readonly queryTimeoutMs: number
}

interface Prepared {
  readonly text: string
  readonly name: string
}

/** Statements are constants of the code; more than this many would mean that some are not. */
const STATEMENTS_MAX = 1_000

/** `schema` is quoted already. */
export function newStatements(schema: string, { prepare, queryTimeoutMs }: StatementOptions): Statements {
  const own = preparing((sql) => inSchema(sql, schema))
  const whole = preparing((text) => text)

  function unprepared({ text }: Prepared, values: readonly unknown[]): Statement {
    const statement = { text, types: STORE_TYPES, query_timeout: queryTimeoutMs }
    // Without parameters it is a simple query, which needs no preparing: begin, commit and the like.
    return values.length === 0 ? statement : { ...statement, values: values as unknown[] }
  }

  function statementOf(prepared: Prepared, values: readonly unknown[]): Statement {
    const statement = unprepared(prepared, values)
    return prepare && values.length > 0 ? { ...statement, name: prepared.name } : statement
  }

  const of = (sql: string, values: readonly unknown[]): Statement => statementOf(own(sql), values)
  return {
    schema,
    of,
    asIs: (text, values) => statementOf(whole(text), values),
    run: async <Row>(client: ClientBase, sql: string, values: readonly unknown[]) =>
      (await client.query(of(sql, values))).rows as Row[],
    runAnew: async <Row>(client: ClientBase, sql: string, values: readonly unknown[]) =>
      (await client.query(unprepared(own(sql), values))).rows as Row[],
  }
}

/** Remembers what it made of each. */
function preparing(textOf: (sql: string) => string): (sql: string) => Prepared {
  const known = new Map<string, Prepared>()
  return (sql) => {
    const found = known.get(sql)
    if (found !== undefined) return found
    const text = textOf(sql)
    const made = { text, name: `spillway_${hash('sha256', text, 'hex').slice(0, 24)}` }
    if (known.size >= STATEMENTS_MAX) known.clear()
    known.set(sql, made)
    return made
  }
}
