// What operators see, in the shape of the HTTP interface, whichever way Spillway was asked.

import type { CallbackView, ErrorGroup, GoneEndpoint, OperationView } from '../../app/operator-api.js'
import type { AuditRecord } from '../../ports/index.js'
import { type CommandRecord, commandRecord, isoTime, isoTimeOrNull } from './records.js'

export interface ErrorGroupRecord extends Omit<ErrorGroup, 'firstAt' | 'lastAt'> {
  readonly firstAt: string
  readonly lastAt: string
}

export interface OperationRecord extends Omit<OperationView, 'startedAt' | 'finishedAt'> {
  readonly startedAt: string
  readonly finishedAt: string | null
}

export interface CallbackRecord extends Omit<CallbackView, 'delivery'> {
  readonly delivery: CommandRecord
}

export interface GoneEndpointRecord extends Omit<GoneEndpoint, 'goneAt'> {
  readonly goneAt: string
}

/** One row of the audit. */
export interface AuditRow extends Omit<AuditRecord, 'at'> {
  readonly at: string
}

export function errorGroupRecord({ firstAt, lastAt, ...group }: ErrorGroup): ErrorGroupRecord {
  return { ...group, firstAt: isoTime(firstAt), lastAt: isoTime(lastAt) }
}

export function operationRecord({ startedAt, finishedAt, ...operation }: OperationView): OperationRecord {
  return { ...operation, startedAt: isoTime(startedAt), finishedAt: isoTimeOrNull(finishedAt) }
}

export function callbackRecord({ delivery, ...callback }: CallbackView): CallbackRecord {
  return { ...callback, delivery: commandRecord(delivery) }
}

export function goneEndpointRecord({ url, goneAt }: GoneEndpoint): GoneEndpointRecord {
  return { url, goneAt: isoTime(goneAt) }
}

export function auditRow({ at, ...record }: AuditRecord): AuditRow {
  return { ...record, at: isoTime(at) }
}
