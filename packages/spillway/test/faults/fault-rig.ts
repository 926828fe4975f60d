// A store behind a fault proxy, on a database of its own; and beside it, straight to the server, a second store that shows what
// is really there. Both have the time that the test says.

import type { MariaDbServer, PostgresServer, TestDatabase } from 'spillway-test-bed'
import { openSession, urlAtPort } from 'spillway-test-bed'
import { onTestFinished, vi } from 'vitest'
import { type ChunkDraft, commandId, encodeBody, fingerprint, type Lease } from '../../src/domain/index.js'
import type { BulkWrite } from '../../src/ports/index.js'
import { createChunkIds } from '../../src/runtime/index.js'
import { FaultProxy, seededRandom, VirtualClock } from '../../src/testing/index.js'
import type { FaultEngine, ServerStore, StoreLimits } from './engines.js'
import { PATIENCE } from './processes/patience.js'

export const LEASE_MS = 30_000
export const DAY_MS = 86_400_000

const EFFECTS_TABLE = 'create table effects (attempt varchar(60) primary key, command varchar(60) not null)'

export interface FaultRig {
  readonly database: TestDatabase
  readonly clock: VirtualClock
  readonly proxy: FaultProxy
  /** Through the proxy. */
  readonly store: ServerStore
  /** Straight to the server. */
  readonly truth: ServerStore
  newChunkId(): string
  draft(queue: string, payloads: readonly unknown[], options?: Partial<ChunkDraft>): ChunkDraft
  /** Leases of a queue, taken by a worker that nothing befalls. */
  claim(queue: string, store?: ServerStore): Promise<readonly Lease[]>
  /** Rows that tell each execution of a command, so that one that happens twice is two rows. */
  effectsOf(commands: readonly string[]): BulkWrite
  /** How often each of the commands took effect. */
  countEffects(commands: readonly string[]): Promise<number[]>
}

export interface RigOptions extends Omit<StoreLimits, 'clock'> {
  /** Default: a new database of the server. */
  readonly database?: TestDatabase
  /** As whom the stores connect; default as the database's URL says. */
  readonly url?: string
}

export async function faultRig(
  engine: FaultEngine,
  server: PostgresServer | MariaDbServer,
  options: RigOptions = {},
): Promise<FaultRig> {
  const { database = await server.createDatabase(), ...limits } = options
  const clock = new VirtualClock()
  const proxy = await FaultProxy.listen({ port: server.port })
  const store = engine.makeStore(urlAtPort(database.url, proxy.port), { clock, ...limits })
  const truth = engine.makeStore(database.url, { clock })
  onTestFinished(async () => {
    proxy.reset()
    await Promise.allSettled([store.close(), truth.close()])
    await proxy.close()
    await database.drop()
  })
  await truth.schema.migrate()
  await truth.open()
  // Its deadlines may be too short for a machine that is busy.
  await vi.waitFor(() => store.open(), PATIENCE)
  await makeEffectsTable(database.url)

  const newChunkId = createChunkIds(clock, seededRandom(1))
  let attempts = 0
  return {
    ...{ database, clock, proxy, store, truth, newChunkId },
    draft: (queue, payloads, more = {}) => draftOf(newChunkId(), queue, payloads, more),
    claim: (queue, from = truth) =>
      from.claim({
        ...{ queue, types: ['work'], chunksMax: 10, commandsMax: 10_000, leaseMs: LEASE_MS, workerId: 'rig' },
      }),
    effectsOf: (commands) => ({
      ...{ table: 'effects', columns: ['attempt', 'command'], key: ['attempt'], onConflict: 'ignore' },
      rows: commands.map((command) => {
        attempts += 1
        return [`attempt ${String(attempts).padStart(9, '0')}`, command]
      }),
    }),
    async countEffects(commands) {
      // A session of its own each time: servers are restarted in between.
      await using session = await openSession(database.url)
      const rows = await session.query('select command, count(*) as times from effects group by command')
      const times = new Map(rows.map((row) => [row.command, Number(row.times)]))
      return commands.map((command) => times.get(command) ?? 0)
    },
  }
}

async function makeEffectsTable(url: string): Promise<void> {
  await using session = await openSession(url)
  await session.query(EFFECTS_TABLE)
}

export function idsOf(draft: Pick<ChunkDraft, 'id' | 'size'>): string[] {
  return Array.from({ length: draft.size }, (_, index) => commandId(draft.id, index))
}

function draftOf(
  id: string,
  queue: string,
  payloads: readonly unknown[],
  more: Partial<ChunkDraft>,
): ChunkDraft {
  const texts = payloads.map((payload) => JSON.stringify(payload))
  return {
    ...{ id, queue, type: 'work', priority: 0, partition: null, codec: 'json', parked: null },
    body: encodeBody(texts),
    size: texts.length,
    keys: texts.map((text, index) => ({
      ...{ key: `${id} ${index}`, fingerprint: fingerprint(text), windowMs: DAY_MS },
    })),
    ...more,
  }
}
