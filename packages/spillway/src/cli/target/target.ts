// A Spillway as the command line uses it, wherever it is: behind HTTP, or the store of the configuration opened by this very
// process. Commands are written once against this.

import type { Health, SubmitOptions } from '../../app/api.js'
import type { ListRequest } from '../../ports/index.js'
import type { Operator, RecordPage } from './operator.js'
import type {
  CommandRecord,
  NodeRecord,
  QueueRecord,
  QueueSettingsRecord,
  ReceiptRecord,
  SubmitVerdictRecord,
} from './records.js'
import type { SpoolRecord } from './spool-records.js'

export interface GetOptions {
  readonly payload?: boolean
  /** Wait at most this long for a terminal state; what is resolved then may still not be one. */
  readonly waitMs?: number
}

export interface Target {
  /** As messages call it. */
  readonly name: string
  submit(type: string, payload: unknown, options: SubmitOptions): Promise<ReceiptRecord>
  /** One verdict per payload, in order. */
  submitMany(type: string, payloads: readonly unknown[]): Promise<readonly SubmitVerdictRecord[]>
  get(id: string, options?: GetOptions): Promise<CommandRecord>
  list(request: ListRequest): Promise<RecordPage<CommandRecord>>
  readonly operator: Operator
  queues(): Promise<readonly QueueRecord[]>
  pause(queue: string, reason: string | undefined): Promise<QueueSettingsRecord>
  resume(queue: string): Promise<QueueSettingsRecord>
  limit(queue: string, leasesMax: number | null): Promise<QueueSettingsRecord>
  nodes(): Promise<readonly NodeRecord[]>
  /** Of the configuration, on this host. A server does not tell of its own. */
  spools(): Promise<readonly SpoolRecord[]>
  health(): Promise<Health>
  close(): Promise<void>
}
