// Composition: the platform's tables and Spillway on one SQLite file, so that clicks, counts and settlements can commit
// together. Several processes may open the same file, each with the roles it plays.

import { setTimeout as sleep } from 'node:timers/promises'
import { type ChannelSpec, createSpillway, type Role, type Spillway } from 'spillway'
import { sqlite } from 'spillway/sqlite'
import { recordClick } from './clicks.js'
import { openDatabase } from './platform-database.js'
import { createPlatformTables, type Database } from './platform-tables.js'

export interface PlatformOptions {
  /** Default 'store'. */
  readonly channel?: 'store' | ChannelSpec
  /** Default: the command that settles in the store's own transaction. */
  readonly command?: (database: Database) => typeof recordClick
  /** Default: all. */
  readonly roles?: readonly Role[]
}

export interface Platform {
  readonly spillway: Spillway
  /** The platform's own connection. */
  readonly database: Database
  readonly command: typeof recordClick
  /** Resolves when no click is waiting or running any more, here or under the lease of a process that died. */
  settled(): Promise<void>
  close(): Promise<void>
}

/** How long the clicks of a killed worker wait for the next one: the least there is, so that the demo is short. */
const LEASE = '1s'
const SETTLED_POLL_MS = 20

export async function openPlatform(file: string, options: PlatformOptions = {}): Promise<Platform> {
  const { channel = 'store', command: commandFor = () => recordClick, roles } = options
  const database = openDatabase(file)
  createPlatformTables(database)
  const command = commandFor(database)
  const spillway = await createSpillway(
    {
      store: sqlite(file),
      commands: [command],
      queues: { clicks: { channel, lease: LEASE } },
      worker: { poll: '20ms' },
    },
    // Pulled plugs are what this example is about: the warnings they cause would only hide its own words.
    { migrate: true, logs: 'error', ...(roles === undefined ? {} : { roles }) },
  )
  return {
    spillway,
    database,
    command,
    settled: () => settled(spillway),
    async close() {
      await spillway.close()
      database.close()
    },
  }
}

async function settled(spillway: Spillway): Promise<void> {
  for (;;) {
    await spillway.drain()
    const { ready, running, scheduled, retrying } = await spillway.accounting()
    if (ready + running + scheduled + retrying === 0) return
    await sleep(SETTLED_POLL_MS)
  }
}
