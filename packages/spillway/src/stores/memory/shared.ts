// Small values that processes share. One counter numbers all versions, so that no key ever gets one again.

import { SHARED_BYTES_MAX } from '../../domain/index.js'
import { SpillwayError } from '../../errors/index.js'
import type { SharedSnapshot, SharedValue, SharedWrite } from '../../ports/index.js'
import type { SharedRecord } from './records.js'
import type { MemoryState } from './state.js'

export function readShared(state: MemoryState, keys: readonly string[], now: number): SharedSnapshot {
  const values = keys.map((key): SharedValue | null => {
    const record = find(state, key, now)
    return record === null ? null : { value: record.value, version: record.version }
  })
  return { values, now }
}

export function writeShared(
  state: MemoryState,
  writes: readonly SharedWrite[],
  now: number,
): ('ok' | 'stale')[] {
  for (const { key, value } of writes) checkSize(key, value)
  return writes.map((write) => writeOne(state, write, now))
}

function writeOne(
  state: MemoryState,
  { key, value, version, ttlMs }: SharedWrite,
  now: number,
): 'ok' | 'stale' {
  if ((find(state, key, now)?.version ?? 0) !== version) return 'stale'
  if (value === null) {
    state.shared.delete(key)
    return 'ok'
  }
  state.lastVersion += 1
  state.shared.set(key, { value, version: state.lastVersion, expiresAt: now + ttlMs })
  return 'ok'
}

export function sharedKeys(
  state: MemoryState,
  prefix: string,
  limit: number,
  after: string | undefined,
  now: number,
): string[] {
  return [...state.shared.keys()]
    .filter((key) => key.startsWith(prefix) && (after === undefined || key > after))
    .filter((key) => find(state, key, now) !== null)
    .sort((a, b) => (a < b ? -1 : 1))
    .slice(0, limit)
}

export function pruneShared(state: MemoryState, now: number, limit: number): void {
  let removed = 0
  for (const [key, { expiresAt }] of state.shared) {
    if (removed === limit) return
    if (expiresAt > now) continue
    state.shared.delete(key)
    removed += 1
  }
}

function find(state: MemoryState, key: string, now: number): SharedRecord | null {
  const record = state.shared.get(key)
  return record === undefined || record.expiresAt <= now ? null : record
}

function checkSize(key: string, value: string | null): void {
  const bytes = value === null ? 0 : Buffer.byteLength(value)
  if (bytes <= SHARED_BYTES_MAX) return
  const message = `Share at most ${SHARED_BYTES_MAX} bytes under one key: '${key}' has ${bytes}.`
  throw new SpillwayError('invalid_argument', message)
}
