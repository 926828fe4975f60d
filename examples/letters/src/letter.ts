// What is ordered: letters to be printed and posted, told apart by the number of their order.

import { z } from 'zod'

export const Letter = z.object({
  orderId: z.string().min(1).max(64),
  address: z.string().min(1).max(200),
  sheets: z.int().min(1).max(20),
  /** Where the customer's system wants to hear how it ended. */
  callbackUrl: z.url(),
})

export type Letter = z.output<typeof Letter>

const STREETS = ['Harbour Road', 'Mill Lane', 'Station Street', 'Church Hill', 'High Street']
const SHEETS_MAX = 5

/** `upstreamUrl`: the customer's system. */
export function makeLetters(count: number, upstreamUrl: string): Letter[] {
  return Array.from({ length: count }, (_, at) => {
    const orderId = `order-${String(at + 1).padStart(6, '0')}`
    return {
      orderId,
      address: `${(at % 180) + 1} ${STREETS[at % STREETS.length]}`,
      sheets: (at % SHEETS_MAX) + 1,
      callbackUrl: `${upstreamUrl}/orders/${orderId}`,
    }
  })
}
