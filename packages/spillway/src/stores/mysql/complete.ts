// The counterpart's answers. Who shows a token gets what waits for it, once: its row is found without locks and locked by its id, as
// everybody locks rows, and by then it must still be waiting. While a worker has the command, its answer would be lost or the worker's.

import { commandId, type Stage } from '../../domain/index.js'
import type { CompletionVerdict, TokenCompletion } from '../../ports/index.js'
import { placesSql } from './commands.js'
import type { RunResult } from './enlist/index.js'
import { FamilyChanges } from './families.js'
import { PARKED_BY_COMMAND } from './indexes.js'
import { assignContent } from './parked.js'
import { contentOf } from './row-content.js'
import { rowsOf } from './select.js'
import type { Verb } from './verbs.js'
import { findWaiting, isWaiting, type WaitingRef } from './waiting.js'

interface WaitingRow {
  readonly chunk_id: string
  readonly idx: number
  readonly queue: string
  readonly state: 'pending' | 'promoted'
  readonly stage: Stage
  readonly memo: string | null
  readonly token_hash: string
}

export const complete: Verb<TokenCompletion, CompletionVerdict> = async (transaction, items, now, hints) => {
  const waiting = await findWaiting(
    transaction,
    items.map(({ tokenHash }) => tokenHash),
    now,
  )
  const refs = [...new Map([...waiting.values()].map((ref) => [nameOf(ref), ref])).values()]
  if (refs.length === 0) return { verdicts: items.map(() => 'not_found'), statements: [] }
  const [clock, locked] = (await transaction.send([`select ${now} as now`, lockWaitingSql(refs, now)])) as [
    RunResult,
    RunResult,
  ]
  const nowMs = Number(clock.rows[0]?.now)
  const rows = new Map(rowsOf<WaitingRow>(locked).map((row) => [row.token_hash, row]))
  const families = new FamilyChanges()
  const statements: string[] = []
  const verdicts = items.map(({ tokenHash, update }): CompletionVerdict => {
    const row = rows.get(tokenHash)
    if (row === undefined) return 'not_found'
    if (row.state === 'promoted') return 'busy'
    rows.delete(tokenHash)
    families.moved(row.chunk_id, 'pending', update.state)
    const content = contentOf(update, row, nowMs)
    if (content.nextAt !== null) hints.add(row.queue, 0)
    const place = placesSql([{ chunkId: row.chunk_id, index: row.idx }])
    statements.push(`update ${PARKED_BY_COMMAND} set ${assignContent(content)} where ${place}`)
    return 'ok'
  })
  return { verdicts, statements: [...statements, ...families.statements(now)] }
}

function lockWaitingSql(refs: readonly WaitingRef[], now: string): string {
  return `
select chunk_id, idx, queue, state, stage, memo, token_hash from ${PARKED_BY_COMMAND}
where (${placesSql(refs)}) and ${isWaiting(now)} order by chunk_id, idx for update`
}

function nameOf({ chunkId, index }: WaitingRef): string {
  return commandId(chunkId, index)
}
