// What a store's author supplies to have it simulated: the store contract's harness, with the time of the simulated world and
// with a way for handlers to write inside the settlement's transaction.

import type { Clock } from '../../../ports/index.js'
import type { StoreUnderTest, TableShape } from '../../store-contract/index.js'

/** One empty, migrated and open store that lives as long as one world. */
export interface SimulatedStore extends Pick<StoreUnderTest, 'store' | 'readTable' | 'dispose'> {
  /** Adds a row to one of the tables, in a handler's transaction. A promise where `transactionalSettle` is 'async'. */
  insert(tx: unknown, table: string, row: Readonly<Record<string, string>>): void | Promise<void>
  /** Whether calls leave the process, so that time has to wait for them. */
  readonly isOutside: boolean
  /** Where calls may wait for locks of transactions that are open. */
  readonly locks?: Locks
}

export interface Locks {
  /** Ends every statement that waits for one, as the database would after a while; returns how many. */
  endWaits(): Promise<number>
  /** How often to do that while a call has not answered, in ms of the machine's clock. */
  readonly lookEveryMs: number
}

export interface SimulatedStores {
  readonly name: string
  /** With these tables; its time is that of the clock. */
  make(clock: Pick<Clock, 'now'>, tables: readonly TableShape[]): Promise<SimulatedStore>
  close(): Promise<void>
}
