// What operators and counterparts ask of a Spillway, wherever it is: verbs on commands, by id or by filter, answers for pending
// ones, the ledger of callbacks, and the audit. Whose name stands in the audit is settled when the target is opened.

import type { OperationRequest, OperationStarted } from '../../app/operator-api.js'
import type { CompletionOutcome } from '../../domain/index.js'
import type { AuditRequest, ControlVerdict, GroupRequest, ListRequest } from '../../ports/index.js'
import type {
  AuditRow,
  CallbackRecord,
  ErrorGroupRecord,
  GoneEndpointRecord,
  OperationRecord,
} from './operator-records.js'
import type { CommandRecord } from './records.js'

export interface RecordPage<Record> {
  readonly items: readonly Record[]
  readonly next: string | null
}

export interface RetryAction {
  readonly reason: string | undefined
  /** Takes the place of each command's payload; undefined leaves it. */
  readonly payload?: unknown
}

export interface Operator {
  cancel(ids: readonly string[], reason: string | undefined): Promise<readonly ControlVerdict[]>
  retry(ids: readonly string[], action: RetryAction): Promise<readonly ControlVerdict[]>
  discard(ids: readonly string[], reason: string | undefined): Promise<readonly ControlVerdict[]>
  complete(token: string, outcome: CompletionOutcome): Promise<CommandRecord>
  errorGroups(request: Omit<GroupRequest, 'state'>): Promise<readonly ErrorGroupRecord[]>
  startOperation(request: Omit<OperationRequest, 'actor'>): Promise<OperationStarted>
  operation(id: string): Promise<OperationRecord>
  callbacks(request: Pick<ListRequest, 'state' | 'after' | 'limit'>): Promise<RecordPage<CallbackRecord>>
  /** The id of the command that sends it. */
  redeliver(id: string, reason: string | undefined): Promise<string>
  goneEndpoints(): Promise<readonly GoneEndpointRecord[]>
  enableEndpoint(url: string, reason: string | undefined): Promise<void>
  audit(request: AuditRequest): Promise<RecordPage<AuditRow>>
}
