// The platform's tables and the one write they see, whatever database they are in. The view count is derived from the clicks
// that were really inserted, in the same transaction, so a repeated click can neither land twice nor count twice.

import type { SpillwayConfig } from 'spillway'
import type { Click } from '../clicks.js'

export interface ViewCount {
  readonly course: string
  /** Click records counted. */
  readonly records: number
  /** Clicks in them: one record is a student's clicks on one material on one day. */
  readonly views: number
}

export interface PlatformTables {
  /** Makes what is not there yet. */
  create(): Promise<void>
  /** In the transaction that a handler was given. Synchronous where the store's transactions are. */
  // biome-ignore lint/suspicious/noExplicitAny: the transaction's type belongs to the store
  record(tx: any, clicks: readonly Click[]): void | Promise<void>
  /** In a transaction of its own. */
  recordAlone(clicks: readonly Click[]): Promise<void>
  viewsOf(course: string): Promise<ViewCount | null>
  allViews(): Promise<readonly ViewCount[]>
  /** Click records that have landed, read from the counts because counting a large table is slow. */
  countLanded(): Promise<number>
  /** Every row, for the check. */
  clicks(): Promise<readonly Click[]>
}

/** A database with the platform's tables, and Spillway's store in the same database, so that both can commit together. */
export interface Storage {
  readonly store: SpillwayConfig['store']
  readonly tables: PlatformTables
  /** Closes the platform's own connections; the store is closed by whoever opened it. */
  close(): Promise<void>
}
