// One page of a listing, as every listing of a running Spillway answers.

import type { AuditRecord, CommandView } from '../ports/index.js'

export interface Page<Item> {
  readonly items: readonly Item[]
  /** Pass it as `after` for the next page; null on the last. */
  readonly next: string | null
}

export type CommandPage = Page<CommandView>
export type AuditPage = Page<AuditRecord>
