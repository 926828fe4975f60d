// From a decision to what is written about the command: its state, what its next turn does and needs, and what its history says.

import {
  completionTokenHash,
  type Decision,
  type ErrorRecord,
  fingerprintOf,
  formatMemo,
  isTerminal,
  type Memo,
  type Stage,
} from '../domain/index.js'
import type { ExecutableCommand, ReportedUpdate } from '../ports/index.js'

export type DraftUpdate = { -readonly [Key in keyof ReportedUpdate]: ReportedUpdate[Key] }

/** The turn that the decision ends. */
export interface UpdateContext {
  readonly stage: Stage
  /** Whether a dead command holds up later ones of its key. */
  readonly blocksWhenDead: boolean
  readonly ran: { readonly workerId: string; readonly durationMs: number } | null
  /** Named by the handler that goes to wait for its counterpart. */
  readonly token: string | undefined
  /** Of a poll that failed; the command goes on waiting. */
  readonly pollError: ErrorRecord | null
}

export function updateOf(
  command: ExecutableCommand,
  decision: Decision,
  context: UpdateContext,
): DraftUpdate {
  const update: DraftUpdate = {
    index: command.index,
    state: decision.state,
    attempts: command.attempt,
    delayMs: 'delayMs' in decision ? Math.round(decision.delayMs) : 0,
    error: 'error' in decision ? decision.error : context.pollError,
  }
  // Outcomes carry their value as JSON text (keepable.ts).
  if (decision.state === 'succeeded' && decision.value !== undefined) update.result = decision.value as string
  const stage = stageAfter(decision, context.stage)
  if (stage !== 'execute') update.stage = stage
  noteMemo(update, command, decision, context)
  if (context.ran !== null) update.ran = context.ran
  if (command.orderingKey != null && holdsUp(decision, context)) update.orderingKey = command.orderingKey
  if (decision.state === 'dead' || decision.state === 'failed')
    update.fingerprint = fingerprintOf(decision.error)
  return update
}

/** What its next turn does; a terminal row keeps the stage it ended in. */
function stageAfter(decision: Decision, stage: Stage): Stage {
  switch (decision.state) {
    case 'retrying':
      return 'execute'
    case 'reconciling':
      return 'reconcile'
    case 'pending':
      return 'poll'
    case 'compensating':
      return 'compensate'
    case 'dead':
      return decision.stage
    default:
      return stage
  }
}

function noteMemo(
  update: DraftUpdate,
  command: ExecutableCommand,
  decision: Decision,
  { stage, token, pollError }: UpdateContext,
): void {
  const hadMemo = command.memo !== undefined && command.memo !== null
  if (decision.state === 'pending') {
    const memo = stage === 'execute' ? tokenNoted(decision.memo, token) : decision.memo
    update.memo = formatMemo(memo)
    if (memo.tokenHash !== undefined)
      update.completion = { tokenHash: memo.tokenHash, expiresInMs: Math.round(decision.expiresInMs) }
    // An unanswered question is no event of the command's history, which is bounded.
    if (stage === 'poll' && pollError === null) update.deferred = true
  } else if ('memo' in decision) {
    const memo = formatMemo(decision.memo)
    if (memo !== null || hadMemo) update.memo = memo
  } else if (decision.state === 'retrying' && hadMemo) update.memo = null
}

/** A token is for one wait: the one of an earlier wait completes nothing any more. */
function tokenNoted({ tokenHash: _, ...memo }: Memo, token: string | undefined): Memo {
  return token === undefined ? memo : { ...memo, tokenHash: completionTokenHash(token) }
}

function holdsUp({ state }: Decision, { blocksWhenDead }: UpdateContext): boolean {
  return state === 'dead' ? blocksWhenDead : !isTerminal(state)
}
