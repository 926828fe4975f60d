// The libraries people run their transactions with, each behind the same face: a write of the user's own into the table `orders`,
// and the handle that a submit is given.

export interface UserTransaction {
  /** What the user passes as `tx`. */
  readonly tx: object
  /** A write of the user's own. */
  order(id: number): Promise<unknown>
}

export interface TransactionLibrary {
  /** Commits after the work; a throw rolls back and is rethrown. */
  run<T>(work: (user: UserTransaction) => Promise<T>): Promise<T>
  /** What may be mistaken for a transaction, by name. */
  readonly outside: Readonly<Record<string, object>>
  close(): Promise<void>
}

export type OpenLibrary = (url: string) => Promise<TransactionLibrary>

export const ORDERS_TABLE = 'create table orders (id int primary key)'
