// The commands that the tests of transactional submit send.

import { z } from 'zod'
import { buffer, defineCommand, type Spillway } from '../../src/index.js'

export const input = z.object({ id: z.number(), note: z.string().default('') })
export type Order = z.infer<typeof input>

export const ship = defineCommand({
  name: 'order.ship',
  input,
  idempotencyKey: ({ id }) => `order ${id}`,
  handle: async () => {},
})
/** Its keys are kept for longer than those of others. */
export const bill = defineCommand({
  name: 'order.bill',
  input,
  idempotencyKey: ({ id }) => `order ${id}`,
  idempotencyWindow: '40d',
  handle: async () => {},
})
export const log = defineCommand({ name: 'order.log', input, handle: async () => {} })
export const track = defineCommand({
  name: 'order.track',
  queue: 'ordered',
  input,
  orderingKey: () => 'all',
  handle: async () => {},
})
export const count = defineCommand({
  name: 'order.count',
  queue: 'counters',
  input,
  handle: async () => {},
})

/** Submits what follows in the transaction of its own settlement. */
export const followWith = (spillway: () => Spillway) =>
  defineCommand({
    name: 'order.follow',
    queue: 'following',
    input,
    settlement: 'transaction',
    retry: { attempts: 1 },
    async handle(order, { tx }) {
      await spillway().submit(log, order, { tx, key: `follow ${order.id}` })
      if (order.note === 'fail') throw new Error('failed after its submit')
    },
  })

export const COMMANDS = [ship, bill, log, track, count]
export const QUEUES = { ordered: { ordered: { partitions: 1 } }, counters: { channel: buffer() } }
