// The answer to a submit. It speaks of the receiving, never of the execution.

/**
 * Where the command is safe once the receipt is given: nowhere, in this process's memory, or committed in the store. With
 * `transaction` it is written there and becomes durable when the caller's transaction commits; rolled back, it never existed. `written` to
 * the journal it survives the process, `synced` a power cut; with `broker` the broker has confirmed it.
 */
export const DURABILITIES = [
  'executed',
  'memory',
  'transaction',
  'store',
  'written',
  'synced',
  'broker',
] as const

export type Durability = (typeof DURABILITIES)[number]

export interface Receipt {
  /** `<chunkId>-<index>`; for a duplicate, the id of the first command. */
  readonly id: string
  readonly status: 'accepted' | 'duplicate'
  readonly durability: Durability
  readonly type: string
  readonly queue: string
  /** ms since the epoch. */
  readonly acceptedAt: number
}

/** The store's word on one command of a chunk. */
export type AppendVerdict =
  | { readonly status: 'accepted' }
  | { readonly status: 'duplicate'; readonly id: string }
  | { readonly status: 'conflict'; readonly id: string }
