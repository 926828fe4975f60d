// Waiting until nothing is left to do, and asking Spillway how every order ended.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Spillway } from 'spillway'
import type { SettledOrder } from './ledger.js'

const LOOK_EVERY_MS = 200
/** Without any progress for so long something is broken; with it, a slow machine may take its time. */
const PATIENCE_MS = 60_000
const PAGE_ROWS = 500
const DEAD_AT_ONCE = 100

/** Letters and callbacks: every command there is has ended. */
export async function allOver(spillway: Spillway): Promise<void> {
  let lastSeen = -1
  let lastProgressAt = performance.now()
  for (;;) {
    const { accepted, succeeded, failed, dead, cancelled, compensated } = await spillway.accounting()
    const ended = succeeded + failed + dead + cancelled + compensated
    if (accepted === ended && (await redriveSuspects(spillway)) === 0) return
    if (ended !== lastSeen) lastProgressAt = performance.now()
    lastSeen = ended
    if (performance.now() - lastProgressAt > PATIENCE_MS)
      throw new Error(`${accepted - ended} of ${accepted} commands made no progress for a minute`)
    await sleep(LOOK_EVERY_MS)
  }
}

/**
 * A command under which its worker was killed several times is a suspect: Spillway lays it aside as dead (`worker_crash`) and goes on
 * with the others. Who knows better, as we do here, has it go on where it stopped.
 */
async function redriveSuspects(spillway: Spillway): Promise<number> {
  const { items } = await spillway.list({ state: 'dead', limit: DEAD_AT_ONCE })
  const ids = items.filter(({ error }) => error?.code === 'worker_crash').map(({ id }) => id)
  if (ids.length > 0) await spillway.redrive(ids, { reason: 'the worker was killed on purpose' })
  return ids.length
}

/** `orderIds` by the id of their command. */
export async function settledOrders(
  spillway: Spillway,
  orderIds: ReadonlyMap<string, string>,
): Promise<SettledOrder[]> {
  const settled: SettledOrder[] = []
  let after: string | null = null
  do {
    const page: Awaited<ReturnType<Spillway['list']>> = await spillway.list({
      ...{ type: 'letter.issue', limit: PAGE_ROWS },
      ...(after === null ? {} : { after }),
    })
    for (const { id, state, attempts } of page.items) {
      const orderId = orderIds.get(id)
      if (orderId !== undefined) settled.push({ orderId, state, attempts })
    }
    after = page.next
  } while (after !== null)
  return settled
}
