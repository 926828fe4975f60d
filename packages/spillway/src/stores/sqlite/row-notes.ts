// What a row keeps for the command's next turn and for those who look at it, as the table has it.

import { type CommandState, isTerminal, type RowNotes, type Stage } from '../../domain/index.js'

export interface StoredNotes {
  readonly stage: Stage
  readonly memo: string | null
  readonly orderingKey: string | null
  readonly tokenHash: string | null
  readonly tokenExpiresAt: number | null
  readonly fingerprint: string | null
}

/** `memoBefore` stays unless the notes replace or clear it. */
export function storedNotes(notes: RowNotes, memoBefore: string | null, now: number): StoredNotes {
  const { stage = 'execute', memo = memoBefore, orderingKey = null, completion, fingerprint = null } = notes
  const tokenHash = completion?.tokenHash ?? null
  const tokenExpiresAt = completion ? now + Math.trunc(completion.expiresInMs) : null
  return { stage, memo, orderingKey, tokenHash, tokenExpiresAt, fingerprint }
}

/** Terminal rows wait for nothing, and blocked ones for others. */
export function waitsForTime(state: CommandState): boolean {
  return state !== 'blocked' && !isTerminal(state)
}
