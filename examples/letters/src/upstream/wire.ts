// What the customer's system writes down about the callbacks it gets.

export interface CallbackFact {
  readonly orderId: string
  /** `webhook-id`: what repeats are known by. */
  readonly webhookId: string
  readonly event: string
  /** SHA-256 of the body, which repeats share. */
  readonly digest: string
  readonly verified: boolean
  /** False when it was answered with an error or not at all: it will come again. */
  readonly taken: boolean
}
