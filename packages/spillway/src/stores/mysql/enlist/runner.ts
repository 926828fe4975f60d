// How the store writes on a connection that is not its own: the caller's, inside the caller's transaction. Whatever library
// that transaction belongs to, the store sees one function.

export interface RunResult {
  /**
   * Column values as the caller's driver parses them: a bigint may be text, a number or a bigint, a json column text or an object.
   * Read integers through Number(), and cast everything else to char in the statement.
   */
  readonly rows: readonly Record<string, unknown>[]
  /** Rows written; for a statement that returns rows, how many it returned. */
  readonly affected: number
}

export interface Runner {
  /**
   * One statement, with its values in it. Whatever modes and character set the caller's session has, it must read the same, and hold no
   * `?`, which a library might take for a parameter: see sql-text.ts.
   */
  run(sql: string): Promise<RunResult>
}
