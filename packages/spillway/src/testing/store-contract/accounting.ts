// The accounting identity (I21): in any snapshot every accepted command is in exactly one place, and the live counts per
// queue agree with it.

import { PARKED_STATES } from '../../domain/index.js'
import type { QueueCounts } from '../../ports/index.js'
import type { AnyStore, TestApi } from './harness.js'

const LIVE_COUNTS = [
  ...(['ready', 'running', ...PARKED_STATES] as const),
  ...(['failed', 'dead', 'cancelled', 'compensated'] as const),
] as const

export async function expectAccounting(store: AnyStore, expect: TestApi['expect']): Promise<void> {
  const { accepted, ...places } = await store.reader.accounting()
  const sum = Object.values(places).reduce((total, count) => total + count, 0)
  expect(sum, `accepted = sum of ${JSON.stringify(places)}`).toBe(accepted)
  const queues = await store.reader.queues()
  const totals = LIVE_COUNTS.map((count) => [count, total(queues, count)])
  expect(totals, 'over all queues').toEqual(LIVE_COUNTS.map((count) => [count, places[count]]))
}

function total(queues: readonly QueueCounts[], count: (typeof LIVE_COUNTS)[number]): number {
  return queues.reduce((sum, queue) => sum + queue[count], 0)
}
