// Statements that are sent back to back, in one round trip. Each is answered for itself.

import type { ClientBase, QueryResult } from 'pg'
import type { Statement } from './statements.js'

/** Drivers that know no pipeline send one after the other, which is slower and otherwise the same. */
type Pipelining = ClientBase & {
  pipeline?: boolean
  readonly connection?: { readonly stream?: { cork?(): void; uncork?(): void } }
}

/** On an idle connection. Rejects with the first error, once all are answered. */
export async function together(
  client: ClientBase,
  statements: readonly Statement[],
): Promise<readonly QueryResult[]> {
  const pipelining = client as Pipelining
  pipelining.pipeline = true
  try {
    const answers = await Promise.allSettled(inOneWrite(pipelining, statements))
    return answers.map((answer) => {
      if (answer.status === 'rejected') throw answer.reason
      return answer.value
    })
  } finally {
    pipelining.pipeline = false
  }
}

/** The driver would send each by a write of its own, and each would wake the server: half of the statements are tiny. */
function inOneWrite(client: Pipelining, statements: readonly Statement[]): Promise<QueryResult>[] {
  const stream = client.connection?.stream
  stream?.cork?.()
  try {
    return statements.map((statement) => client.query(statement))
  } finally {
    stream?.uncork?.()
  }
}
