// The same worlds on real databases. Fewer of them, because each of their calls is a round trip; what only a real database can get
// wrong, locks that outlast a call among it, shows here and nowhere else.

import { requireServer, sharedMariaDb, sharedPostgres } from 'spillway-test-bed'
import { describe, expect, it } from 'vitest'
import { runCampaign } from './campaign.js'
import { neverSeen, type Sometimes } from './sometimes.js'
import { mysqlStores } from './stores/mysql.js'
import { postgresStores } from './stores/postgres.js'
import type { SimulatedStores } from './stores/simulated-store.js'
import { sqliteStores } from './stores/sqlite.js'

/** A loaded machine needs its time; this is no measure of speed. */
const TIMEOUT_MS = 300_000

/** What so few worlds are sure to meet. */
const SEEN: readonly Sometimes[] = [
  'store fails before commit',
  'store commits and fails',
  'store fails and commits later',
  'store restarts',
  'process crashes',
  'process is stopped',
  'receipt duplicate',
  'conflict',
  'unknown append resent',
  'scheduled command',
  'lease expired and reclaimed',
  'stale settle',
  'stale extend',
  'partial progress',
  'retry settled',
  'dead by worker crash',
  'isolation',
  'promoted',
  'promoted chunk reclaimed',
  'cancel won',
  'pruned',
  'transaction effect',
  'sink row',
]
/** On the servers handlers hold locks while others claim. That a wait for a lock was ended, ten worlds need not meet. */
const SEEN_WITH_WAITING: readonly Sometimes[] = [
  ...SEEN,
  'handler waits in its transaction',
  'transaction lost',
]

interface Range {
  readonly seeds: number
  /** Seeds that are run twice. */
  readonly repeatEvery: number
  readonly seen: readonly Sometimes[]
}

function simulates(open: () => Promise<SimulatedStores>, { seeds, repeatEvery, seen }: Range): void {
  it(`keeps every promise in seeds 1 to ${seeds}, the same way each time`, {
    timeout: TIMEOUT_MS,
  }, async () => {
    const stores = await open()
    try {
      const { failures, irreproducible, counters } = await runCampaign({
        ...{ from: 1, seeds, stores, repeatEvery },
      })
      expect(failures.map(({ seed, violations }) => ({ seed, first: violations[0] }))).toEqual([])
      expect(irreproducible).toEqual([])
      expect(neverSeen(counters, seen)).toEqual([])
    } finally {
      await stores.close()
    }
  })
}

describe('the simulation on SQLite', () => {
  simulates(sqliteStores, { seeds: 40, repeatEvery: 20, seen: SEEN })
})

requireServer(describe, 'postgres')('the simulation on PostgreSQL', () => {
  simulates(async () => postgresStores((await (await sharedPostgres()).createDatabase()).url), {
    ...{ seeds: 10, repeatEvery: 9, seen: SEEN_WITH_WAITING },
  })
})

requireServer(describe, 'mariadb')('the simulation on MariaDB', () => {
  simulates(async () => mysqlStores((await (await sharedMariaDb()).createDatabase()).url), {
    ...{ seeds: 10, repeatEvery: 9, seen: SEEN_WITH_WAITING },
  })
})
