// What a target answers, in the shape of the HTTP interface: `--json` prints the same whichever way Spillway was asked. Times
// are ISO 8601, results and payloads are values and not JSON in a string.

import type { NodeStatus, QueueView, SubmitVerdict } from '../../app/api.js'
import {
  type CommandState,
  type Durability,
  type ErrorRecord,
  parseMemo,
  type QueueSettings,
  type Receipt,
  type Stage,
} from '../../domain/index.js'
import type { SpillwayError } from '../../errors/index.js'
import type { CommandView } from '../../ports/index.js'

export interface ReceiptRecord {
  readonly id: string
  readonly type: string
  readonly queue: string
  readonly status: 'accepted' | 'duplicate'
  readonly duplicate: boolean
  readonly acceptedAt: string
  readonly durability: Durability
}

export type SubmitVerdictRecord =
  | { readonly status: 'accepted' | 'duplicate'; readonly id: string }
  | { readonly status: 'rejected'; readonly error: SpillwayError }

export interface AttemptRecord {
  readonly attempt: number
  /** Absent: it was executed. */
  readonly stage?: Stage
  readonly workerId?: string
  readonly durationMs?: number
  readonly at: string
  readonly error: ErrorRecord | null
}

export interface CommandRecord {
  readonly id: string
  readonly type: string
  readonly queue: string
  readonly state: CommandState
  readonly stage: Stage
  readonly priority: number
  readonly attempts: number
  readonly acceptedAt: string
  readonly nextAt: string | null
  /** Until when its counterpart may answer, if it is pending. */
  readonly waitsUntil: string | null
  readonly finishedAt: string | null
  readonly error: ErrorRecord | null
  readonly fingerprint: string | null
  readonly generation: number
  readonly history: readonly AttemptRecord[]
  readonly result: unknown
  readonly payload?: unknown
}

export interface QueueRecord extends Omit<QueueView, 'oldestReadyAt'> {
  readonly oldestReadyAt: string | null
}

export interface NodeRecord extends Omit<NodeStatus, 'startedAt' | 'seenAt'> {
  readonly startedAt: string
  readonly seenAt: string
}

/** What every process obeys about a queue. */
export interface QueueSettingsRecord extends QueueSettings {
  readonly queue: string
}

export function receiptRecord({ acceptedAt, ...receipt }: Receipt): ReceiptRecord {
  return { ...receipt, duplicate: receipt.status === 'duplicate', acceptedAt: isoTime(acceptedAt) }
}

export function submitVerdictRecord(verdict: SubmitVerdict): SubmitVerdictRecord {
  if (!verdict.ok) return { status: 'rejected', error: verdict.error }
  return { status: verdict.receipt.status, id: verdict.receipt.id }
}

export function commandRecord(view: CommandView): CommandRecord {
  const { acceptedAt, nextAt, finishedAt, history, result, payload, memo, ...facts } = view
  return {
    ...facts,
    acceptedAt: isoTime(acceptedAt),
    nextAt: isoTimeOrNull(nextAt),
    waitsUntil: view.state === 'pending' ? isoTimeOrNull(parseMemo(memo).pendingUntil ?? null) : null,
    finishedAt: isoTimeOrNull(finishedAt),
    history: history.map(({ at, ...attempt }) => ({ ...attempt, at: isoTime(at) })),
    result: result === null ? null : JSON.parse(result),
    ...(payload === undefined ? {} : { payload: JSON.parse(payload) }),
  }
}

export function queueRecord({ oldestReadyAt, ...queue }: QueueView): QueueRecord {
  return { ...queue, oldestReadyAt: isoTimeOrNull(oldestReadyAt) }
}

export function nodeRecord({ startedAt, seenAt, ...node }: NodeStatus): NodeRecord {
  return { ...node, startedAt: isoTime(startedAt), seenAt: isoTime(seenAt) }
}

export function isoTime(ms: number): string {
  return new Date(ms).toISOString()
}

export function isoTimeOrNull(ms: number | null): string | null {
  return ms === null ? null : isoTime(ms)
}
