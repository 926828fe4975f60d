// Tokens that counterparts answer with. Of several commands that wait for one token the newest is meant: whoever uses a token
// twice knows only that one.

import type { CompletionVerdict, TokenCompletion, WaitingCommand } from '../../ports/index.js'
import { payloadReader } from './payloads.js'
import type { RowRecord } from './records.js'
import { writeUpdate } from './rows.js'
import type { MemoryState } from './state.js'
import { viewOf } from './view.js'
import type { Notify } from './wake.js'

export function completeOne(
  state: MemoryState,
  { tokenHash, update }: TokenCompletion,
  now: number,
  notify: Notify,
): CompletionVerdict {
  const row = findWaiting(state, tokenHash, now)
  if (row === null) return 'not_found'
  if (row.place === 'carried') return 'busy'
  writeUpdate(state, row, update, row.stage, now)
  notify(row.origin.queue, 0)
  return 'ok'
}

export function waitingFor(state: MemoryState, tokenHash: string, now: number): WaitingCommand | null {
  const row = findWaiting(state, tokenHash, now)
  if (row === null) return null
  const { origin: chunk, index } = row
  return { view: viewOf({ chunk, index, row }), payload: payloadReader()(row) }
}

function findWaiting(state: MemoryState, tokenHash: string, now: number): RowRecord | null {
  let newest: RowRecord | null = null
  for (const row of state.waiting.get(tokenHash) ?? []) {
    if (row.completion !== null && row.completion.expiresAt > now) newest = row
  }
  return newest
}
