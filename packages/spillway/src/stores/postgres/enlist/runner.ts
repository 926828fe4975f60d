// How the store writes on a connection that is not its own: the caller's, inside the caller's transaction. Whatever library
// that transaction belongs to, the store sees one function.

export interface RunResult {
  /**
   * Column values as the caller's driver parses them: an int8 may be text, a number or a bigint, a json column text or an
   * object. Read integers through Number(), and cast everything else to text in the statement.
   */
  readonly rows: readonly Record<string, unknown>[]
  /** Rows written; for a statement that returns rows, how many it returned. */
  readonly affected: number
}

export interface Runner {
  /**
   * One statement with `$1`-style parameters, never prepared by name. Values are texts, numbers, bigints, booleans, null and arrays
   * of texts or numbers; every parameter is cast in the statement (`$2::bigint`, `$3::text[]`), because some drivers send all
   * of them as text and others by the JavaScript type. No column may be of type void, which Prisma cannot read.
   */
  run(sql: string, values: readonly unknown[]): Promise<RunResult>
}
