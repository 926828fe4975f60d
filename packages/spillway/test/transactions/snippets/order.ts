// What the snippets of docs/transactional-submit.md have in common.

import { z } from 'zod'
import { defineCommand, type Spillway } from '../../../src/index.js'

export const Order = z.object({ id: z.number() })
export type Order = z.infer<typeof Order>

export const shipOrder = defineCommand({
  name: 'order.ship',
  input: Order,
  idempotencyKey: (order) => `order ${order.id}`,
  handle: async () => {},
})

/** A snippet at work: `place` writes the order and submits the command, in one transaction. */
export interface Snippet {
  place(spillway: Spillway, order: Order): Promise<unknown>
  close(): Promise<unknown>
}

export type OpenSnippet = (url: string) => Snippet
