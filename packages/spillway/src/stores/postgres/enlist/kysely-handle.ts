// A transaction of Kysely: a compiled query goes in. Without its plugins, which may rename columns in the answer.

import { type Handle, isShape, methodOf, refusal, type Shape } from './handle.js'

interface Answer {
  readonly rows: Record<string, unknown>[]
  readonly numAffectedRows?: bigint
}

/** Kysely's own words for a transaction that is over. */
const ENDED = /^Transaction is already (committed|rolled back)$/

export function kyselyHandle(tx: Shape): Handle | null {
  if (methodOf(tx, 'executeQuery') === null || !('isTransaction' in tx)) return null
  if (tx.isTransaction !== true) throw refusal('a Kysely instance outside a transaction')
  if (returnsRows(tx) === false)
    throw refusal('a Kysely transaction on MySQL, and this store is on PostgreSQL')
  const plain = methodOf(tx, 'withoutPlugins')?.() ?? tx
  const execute = methodOf(isShape(plain) ? plain : tx, 'executeQuery')
  if (execute === null) return null
  return {
    isKnownOpen: () => false,
    async run(sql, values) {
      const query = { sql, parameters: values, query: { kind: 'RawNode' }, queryId: { queryId: '' } }
      const { rows, numAffectedRows } = await answerOf(() => execute(query))
      return { rows, affected: Number(numAffectedRows ?? rows.length) }
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
