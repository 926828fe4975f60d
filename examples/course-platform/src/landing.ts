// Waiting for clicks to become rows when nobody can be asked how many are on their way.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Click } from './clicks.js'
import type { PlatformTables } from './storage/index.js'
import { verify } from './verify.js'

const POLL_MS = 20
/** Longer than everything that makes a click wait: leases, redelivery by a broker, a database that recovers. */
const QUIET_MS = 60_000

/** Resolves when all of them have landed, or when nothing has for so long that what is missing is lost. */
export async function untilLanded(tables: PlatformTables, expected: readonly Click[]): Promise<void> {
  let landed = 0
  let changedAt = performance.now()
  while (performance.now() - changedAt < QUIET_MS) {
    const now = await landedOf(tables, expected)
    if (now === 'all') return
    if (now !== landed) changedAt = performance.now()
    landed = now
    await sleep(POLL_MS)
  }
}

async function landedOf(tables: PlatformTables, expected: readonly Click[]): Promise<number | 'all'> {
  try {
    const landed = await tables.countLanded()
    // Others than those expected may have landed, too.
    const isAll = landed >= expected.length && (await verify(tables, expected)).lost === 0
    return isAll ? 'all' : landed
  } catch {
    // A database that has just been killed has no answer.
    return -1
  }
}
