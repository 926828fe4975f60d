// A transaction of Kysely: a compiled query goes in. Without its plugins, which may rename columns in the answer.

import { type Handle, isShape, methodOf, refusal, SAVEPOINT, type Shape } from './handle.js'
import type { RunResult } from './runner.js'

interface Answer {
  readonly rows: Record<string, unknown>[]
  readonly numAffectedRows?: bigint
}

/** Kysely's own words for a transaction that is over. */
const ENDED = /^Transaction is already (committed|rolled back)$/

export function kyselyHandle(tx: Shape): Handle | null {
  if (methodOf(tx, 'executeQuery') === null || !('isTransaction' in tx)) return null
  if (tx.isTransaction !== true) throw refusal('a Kysely instance outside a transaction')
  if (returnsRows(tx) === true)
    throw refusal('a Kysely transaction on PostgreSQL, and this store is on MySQL')
  const plain = methodOf(tx, 'withoutPlugins')?.() ?? tx
  const execute = methodOf(isShape(plain) ? plain : tx, 'executeQuery')
  if (execute === null) return null
  const run = async (sql: string): Promise<RunResult> => {
    const query = { sql, parameters: [], query: { kind: 'RawNode' }, queryId: { queryId: '' } }
    const { rows, numAffectedRows } = await answerOf(() => execute(query))
    return { rows, affected: Number(numAffectedRows ?? rows.length) }
  }
  return {
    run,
    async savepoint() {
      await run(SAVEPOINT)
      return null
    },
  }
}

async function answerOf(execute: () => unknown): Promise<Answer> {
  try {
    return (await execute()) as Answer
  } catch (error) {
    if (error instanceof Error && ENDED.test(error.message))
      throw refusal('a Kysely transaction that has ended', error)
    throw error
  }
}

/** Whether its dialect knows RETURNING, which MySQL's does not; undefined when it does not say. */
function returnsRows(tx: Shape): unknown {
  const executor = methodOf(tx, 'getExecutor')?.()
  return isShape(executor) && isShape(executor.adapter) ? executor.adapter.supportsReturning : undefined
}
