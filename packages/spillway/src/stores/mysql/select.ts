// Reading rows. Their types are what the statement says: text is text, and whole numbers are numbers.

import type { Connection } from './connection.js'
import type { RunResult } from './enlist/index.js'

/** The rows of one statement in a round trip of its own. */
export async function select<Row>(db: Pick<Connection, 'send'>, sql: string): Promise<readonly Row[]> {
  const [result] = (await db.send([sql])) as [RunResult]
  return rowsOf(result)
}

export function rowsOf<Row>({ rows }: RunResult): readonly Row[] {
  return rows as readonly unknown[] as readonly Row[]
}
