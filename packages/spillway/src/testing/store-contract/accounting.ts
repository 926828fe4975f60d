// The accounting identity (I21): in any snapshot every accepted command is in exactly one place, and the live counts per
// queue agree with it.

import type { QueueCounts } from '../../ports/index.js'
import type { AnyStore, TestApi } from './harness.js'

const LIVE_COUNTS = ['ready', 'running', 'scheduled', 'retrying', 'failed', 'dead', 'cancelled'] as const

export async function expectAccounting(store: AnyStore, expect: TestApi['expect']): Promise<void> {
  const { accepted, ...places } = await store.reader.accounting()
  const sum = Object.values(places).reduce((total, count) => total + count, 0)
  expect(sum, `accepted = sum of ${JSON.stringify(places)}`).toBe(accepted)
  const queues = await store.reader.queues()
  for (const count of LIVE_COUNTS) {
    expect(total(queues, count), `${count} over all queues`).toBe(places[count])
  }
}

function total(queues: readonly QueueCounts[], count: (typeof LIVE_COUNTS)[number]): number {
  return queues.reduce((sum, queue) => sum + queue[count], 0)
}
