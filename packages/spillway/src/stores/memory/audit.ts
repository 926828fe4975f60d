// What was done to commands and queues, by whom and why. Rows are numbered, so that a listing can go on where it was.

import { AUDIT_TEXT_MAX, PAGE_ROWS_MAX } from '../../domain/index.js'
import { SpillwayError } from '../../errors/index.js'
import type { AuditNote, AuditRecord, AuditRequest } from '../../ports/index.js'
import type { MemoryState } from './state.js'

const AUDIT_ID = /^[1-9][0-9]{0,14}$/

export function writeAudit(state: MemoryState, note: AuditNote, count: number | null, now: number): void {
  state.lastAudit += 1
  const { actor, action, target, reason } = note
  const texts = { actor: cut(actor), action: cut(action), target: cut(target) }
  const reasoned = reason === null ? null : cut(reason)
  state.audit.push(Object.freeze({ id: String(state.lastAudit), ...texts, reason: reasoned, at: now, count }))
}

function cut(text: string): string {
  return text.slice(0, AUDIT_TEXT_MAX)
}

/** Newest first. */
export function listAudit(
  state: MemoryState,
  request: AuditRequest,
): { items: AuditRecord[]; next: string | null } {
  const { after } = request
  if (after !== undefined && !AUDIT_ID.test(after))
    throw new SpillwayError('invalid_argument', 'Continue a listing with the `next` of its last page.')
  const limit = Math.min(Math.max(1, request.limit), PAGE_ROWS_MAX)
  const older = after === undefined ? state.audit : state.audit.filter(({ id }) => Number(id) < Number(after))
  const items = older.slice(-limit).reverse()
  return { items, next: older.length > limit ? (items.at(-1)?.id ?? null) : null }
}

/** Removes the oldest rows up to `until`, at most `limit`. */
export function pruneAudit(state: MemoryState, until: number, limit: number): void {
  let removed = 0
  while (removed < limit && (state.audit[removed]?.at ?? Number.POSITIVE_INFINITY) <= until) removed += 1
  state.audit.splice(0, removed)
}
