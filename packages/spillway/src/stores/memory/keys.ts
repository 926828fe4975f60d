// Idempotency keys: the first command under a (type, key) is what repeats are answered with, until the key expires.

import type { AppendVerdict, KeyDraft } from '../../domain/index.js'
import type { KeyRecord } from './records.js'
import type { MemoryState } from './state.js'

export function findKey(state: MemoryState, scope: string, key: string, now: number): KeyRecord | undefined {
  const record = state.keys.get(scope)?.get(key)
  return record === undefined || record.expiresAt <= now ? undefined : record
}

/** What a command under a known key is: the same one again, or another one that must not pass for it. */
export function verdictUnder(record: KeyRecord, draft: KeyDraft): AppendVerdict {
  const status = record.fingerprint === draft.fingerprint ? 'duplicate' : 'conflict'
  return Object.freeze({ status, id: record.commandId })
}

/** Stores the key in the place of an expired one. */
export function addKey(state: MemoryState, record: KeyRecord): void {
  let keys = state.keys.get(record.scope)
  if (keys === undefined) {
    keys = new Map()
    state.keys.set(record.scope, keys)
  }
  const expired = keys.get(record.key)
  if (expired !== undefined) state.keyExpiry.remove(expired)
  keys.set(record.key, record)
  state.keyExpiry.push(record)
}

/** Removes at most `limit` expired keys. */
export function pruneKeys(state: MemoryState, now: number, limit: number): number {
  let removed = 0
  for (; removed < limit; removed += 1) {
    const record = state.keyExpiry.peek()
    if (record === undefined || record.expiresAt > now) break
    state.keyExpiry.pop()
    state.keys.get(record.scope)?.delete(record.key)
  }
  return removed
}
