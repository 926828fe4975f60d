// What the post office takes, gives and writes down.

export interface Posting {
  readonly orderId: string
  readonly address: string
  readonly sheets: number
  /** Where a later answer goes, and what it names the order by. */
  readonly replyUrl: string
  readonly token: string
}

export type OrderStatus = 'received' | 'issued' | 'refused' | 'refunded'

export interface Order {
  readonly orderId: string
  readonly status: OrderStatus
  /** Of the letter that was printed. */
  readonly trackingNumber: string | null
}

/** The later answer to a 202. */
export interface LateAnswer {
  readonly token: string
  readonly orderId: string
  readonly issued: { readonly trackingNumber: string } | null
  readonly reason: string | null
}

/** `answered`: how the application took a later answer. */
export type PostOfficeFact =
  | { readonly fact: 'posted' | 'issued' | 'refused' | 'refunded'; readonly orderId: string }
  | { readonly fact: 'looked'; readonly orderId: string; readonly status: OrderStatus | null }
  | { readonly fact: 'answered'; readonly orderId: string; readonly taken: boolean }
