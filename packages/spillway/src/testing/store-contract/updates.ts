// Outcomes as a worker writes them: what the contract's tests settle with. Whatever a test is about it names in `notes`.

import type { CommandUpdate } from '../../domain/index.js'

export const MINUTE_MS = 60_000

type Notes = Partial<CommandUpdate>

export function failing(index: number, attempts = 1): CommandUpdate {
  return {
    index,
    state: 'failed',
    attempts,
    delayMs: 0,
    error: { code: 'failed', message: `refused ${index}` },
  }
}

export function dying(index: number, attempts = 1, notes: Notes = {}): CommandUpdate {
  const error = { code: 'internal', message: `gave up ${index}` }
  return { index, state: 'dead', attempts, delayMs: 0, error, ...notes }
}

export function retrying(index: number, delayMs: number, attempts = 1, notes: Notes = {}): CommandUpdate {
  const error = { code: 'timeout', message: `not yet ${index}` }
  return { index, state: 'retrying', attempts, delayMs, error, ...notes }
}

export function succeeding(index: number, result: unknown, attempts = 1): CommandUpdate {
  return { index, state: 'succeeded', attempts, delayMs: 0, error: null, result: JSON.stringify(result) }
}

/** It may have happened: asked about after `delayMs`. */
export function doubting(index: number, delayMs: number, notes: Notes = {}): CommandUpdate {
  const error = { code: 'unknown', message: `perhaps ${index}` }
  return { index, state: 'reconciling', stage: 'reconcile', attempts: 1, delayMs, error, ...notes }
}

/** The counterpart is asked after `delayMs`, and may answer with the token by itself for a minute. */
export function awaiting(
  index: number,
  delayMs: number,
  tokenHash: string | null,
  notes: Notes = {},
): CommandUpdate {
  const completion = tokenHash === null ? null : { tokenHash, expiresInMs: MINUTE_MS }
  return { index, state: 'pending', stage: 'poll', attempts: 1, delayMs, error: null, completion, ...notes }
}

export function undoing(index: number, delayMs: number, notes: Notes = {}): CommandUpdate {
  const error = { code: 'failed', message: `refused ${index}` }
  return { index, state: 'compensating', stage: 'compensate', attempts: 1, delayMs, error, ...notes }
}

export function undone(index: number, notes: Notes = {}): CommandUpdate {
  const error = { code: 'failed', message: `refused ${index}` }
  return { index, state: 'compensated', stage: 'compensate', attempts: 1, delayMs: 0, error, ...notes }
}

/** It waits for an earlier command of its ordering key. */
export function blocking(index: number, orderingKey: string, notes: Notes = {}): CommandUpdate {
  return {
    index,
    state: 'blocked',
    attempts: 0,
    delayMs: 0,
    error: null,
    orderingKey,
    deferred: true,
    ...notes,
  }
}
