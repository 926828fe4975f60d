// What the stages of a command leave for each other while it waits: how often it was asked about, until when its
// counterpart may answer, what it failed with before it is undone. Stores keep it as text and read none of it.

import { MEMO_BYTES_MAX } from './limits.js'
import type { ErrorRecord } from './outcome.js'

export interface Memo {
  /** Reconciliations and compensations begun and not conclusive. */
  readonly reconciliations?: number
  readonly compensations?: number
  /** Until when the counterpart may answer, ms since the epoch. */
  readonly pendingUntil?: number
  /** Kept over polls: the token's hash. */
  readonly tokenHash?: string
  /** Which override of the retry policy the error had that it is reconciled for, by place. */
  readonly override?: number
  /** Why it is reconciled or undone: what it ends with if that comes to nothing. */
  readonly failure?: { readonly state: 'failed' | 'dead' | 'unknown'; readonly error: ErrorRecord }
}

export const NO_MEMO: Memo = Object.freeze({})

/** Text that is not a memo reads as none: a command must not be lost over what only helps it. */
export function parseMemo(text: string | null): Memo {
  if (text === null) return NO_MEMO
  try {
    const memo: unknown = JSON.parse(text)
    return typeof memo === 'object' && memo !== null && !Array.isArray(memo) ? (memo as Memo) : NO_MEMO
  } catch {
    return NO_MEMO
  }
}

/** A character of JSON text has at most three bytes of UTF-8. */
const BYTES_PER_CHARACTER_MAX = 3

/** Null when it says nothing. A stack that would make it too large is left to the command's history. */
export function formatMemo(memo: Memo): string | null {
  const text = JSON.stringify(memo)
  if (text === '{}') return null
  return text.length * BYTES_PER_CHARACTER_MAX <= MEMO_BYTES_MAX ? text : JSON.stringify(withoutStack(memo))
}

function withoutStack(memo: Memo): Memo {
  if (memo.failure === undefined) return memo
  const { state, error } = memo.failure
  return { ...memo, failure: { state, error: { code: error.code, message: error.message } } }
}
