// A Spillway as the command line uses it, wherever it is: behind HTTP, or the store of the configuration opened by this very
// process. Commands are written once against this.

import type { Health, SubmitOptions } from '../../app/api.js'
import type { ControlVerdict, ListRequest } from '../../ports/index.js'
import type {
  CommandRecord,
  NodeRecord,
  QueueRecord,
  QueueSettingsRecord,
  ReceiptRecord,
  SubmitVerdictRecord,
} from './records.js'

export interface GetOptions {
  readonly payload?: boolean
  /** Wait at most this long for a terminal state; what is resolved then may still not be one. */
  readonly waitMs?: number
}

export interface CommandRecordPage {
  readonly items: readonly CommandRecord[]
  readonly next: string | null
}

export interface Target {
  /** As messages call it. */
  readonly name: string
  submit(type: string, payload: unknown, options: SubmitOptions): Promise<ReceiptRecord>
  /** One verdict per payload, in order. */
  submitMany(type: string, payloads: readonly unknown[]): Promise<readonly SubmitVerdictRecord[]>
  get(id: string, options?: GetOptions): Promise<CommandRecord>
  list(request: ListRequest): Promise<CommandRecordPage>
  cancel(ids: readonly string[]): Promise<readonly ControlVerdict[]>
  retry(ids: readonly string[]): Promise<readonly ControlVerdict[]>
  queues(): Promise<readonly QueueRecord[]>
  pause(queue: string, reason: string | undefined): Promise<QueueSettingsRecord>
  resume(queue: string): Promise<QueueSettingsRecord>
  limit(queue: string, leasesMax: number | null): Promise<QueueSettingsRecord>
  nodes(): Promise<readonly NodeRecord[]>
  health(): Promise<Health>
  close(): Promise<void>
}
