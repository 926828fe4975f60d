// Composition: the platform's tables and Spillway's store in one database, so that clicks, counts and settlements can commit
// together. Several processes may open the same database, each with the roles it plays.

import { setTimeout as sleep } from 'node:timers/promises'
import {
  type ChannelSpec,
  createSpillway,
  type Duration,
  migrate,
  type Role,
  type Spillway,
  type SpillwayConfig,
} from 'spillway'
import { type RecordClick, recordClick } from './clicks.js'
import { openStorage, type PlatformTables, type Storage } from './storage/index.js'

export interface PlatformOptions {
  /** Default 'store'. */
  readonly channel?: 'store' | ChannelSpec
  /** Default: the command that settles in the store's own transaction. */
  readonly command?: (tables: PlatformTables) => RecordClick
  /** Default: all. */
  readonly roles?: readonly Role[]
  /** The database has been prepared by somebody else, and need not be there. */
  readonly isPrepared?: boolean
}

export interface Platform {
  readonly spillway: Spillway
  readonly tables: PlatformTables
  readonly command: RecordClick
  /** Resolves when no click is waiting or running any more, here or under the lease of a process that died. */
  settled(): Promise<void>
  close(): Promise<void>
}

/** How long the clicks of a killed worker wait for the next one: the least there is, so that the demo is short. */
const LEASE: Duration = '1s'
const SETTLED_POLL_MS = 20

/** `location`: the path of a SQLite file, or the URL of a PostgreSQL or MySQL database. */
export async function openPlatform(location: string, options: PlatformOptions = {}): Promise<Platform> {
  const { roles, isPrepared = false } = options
  const storage = await openStorage(location)
  const { tables, close } = storage
  if (!isPrepared) await tables.create()
  const { config, command } = platformConfig(storage, options)
  // Pulled plugs are what this example is about: the warnings they cause would only hide its own words.
  const spillway = await createSpillway(config, {
    ...{ migrate: !isPrepared, logs: 'error' },
    ...(roles === undefined ? {} : { roles }),
  })
  return {
    spillway,
    tables,
    command,
    settled: () => settled(spillway),
    async close() {
      await spillway.close()
      await close()
    },
  }
}

/** The same for every process of a platform, whatever it does of the work. */
export function platformConfig(
  { store, tables }: Storage,
  { channel = 'store', command: commandFor = recordClick }: PlatformOptions,
): { readonly config: SpillwayConfig; readonly command: RecordClick } {
  const command = commandFor(tables)
  const queues = { clicks: { channel, lease: LEASE } }
  return { command, config: { store, commands: [command], queues, worker: { poll: '20ms' } } }
}

/** Makes the tables of platform and Spillway, for processes that do without the database themselves. */
export async function preparePlatform(location: string): Promise<void> {
  const { store, tables, close } = await openStorage(location)
  try {
    await tables.create()
    await migrate(store)
  } finally {
    await close()
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
