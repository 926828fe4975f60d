// Statements that are sent back to back, in one round trip. Each is answered for itself.

import type { ClientBase, QueryResult } from 'pg'
import type { Statement } from './statements.js'

/** Drivers that know no pipeline send one after the other, which is slower and otherwise the same. */
type Pipelining = ClientBase & { pipeline?: boolean }

/** On an idle connection. Rejects with the first error, once all are answered. */
export async function together(
  client: ClientBase,
  statements: readonly Statement[],
): Promise<readonly QueryResult[]> {
  const pipelining = client as Pipelining
  pipelining.pipeline = true
  try {
    const answers = await Promise.allSettled(statements.map((statement) => client.query(statement)))
    return answers.map((answer) => {
      if (answer.status === 'rejected') throw answer.reason
      return answer.value
    })
  } finally {
    pipelining.pipeline = false
  }
}
