// What the store needs done from time to time: parked commands that are due become chunks again, and what has outlived its
// retention goes. Both are guarded by the store, so any number of processes may run this at once.

import type { Clock, NewChunkId, Random, Store, Telemetry } from '../ports/index.js'
import { RecurringTask } from './recurring-task.js'

/** Parked commands moved by one call: one transaction that everybody else of a process may have to wait for. */
const PROMOTE_COMMANDS_MAX = 250
/** Commands of one promoted chunk: few enough that retries of slow commands spread over several workers. */
const PROMOTED_CHUNK_COMMANDS_MAX = 100
/** Rows of each kind removed by one call. */
const PRUNE_ROWS_MAX = 500

export interface MaintenanceOptions {
  readonly store: Pick<Store, 'promote' | 'prune'>
  readonly clock: Clock
  readonly random: Random
  readonly telemetry: Telemetry
  readonly newChunkId: NewChunkId
  readonly promoteEveryMs: number
  readonly pruneEveryMs: number
  readonly retentionMs: number
  readonly failedRetentionMs: number
}

export class Maintenance {
  readonly #tasks: readonly RecurringTask[]

  constructor(options: MaintenanceOptions) {
    const { promoteEveryMs, pruneEveryMs } = options
    this.#tasks = [
      new RecurringTask({
        ...options,
        name: 'promote',
        everyMs: promoteEveryMs,
        step: () => promoteSome(options),
      }),
      new RecurringTask({ ...options, name: 'prune', everyMs: pruneEveryMs, step: () => pruneSome(options) }),
    ]
  }

  start(): void {
    for (const task of this.#tasks) task.start()
  }

  /** Resolves when nothing of it goes on any more. */
  async stop(): Promise<void> {
    await Promise.all(this.#tasks.map((task) => task.stop()))
  }
}

async function promoteSome({ store, newChunkId }: MaintenanceOptions): Promise<boolean> {
  const limit = PROMOTE_COMMANDS_MAX
  return (await store.promote({ limit, chunkCommandsMax: PROMOTED_CHUNK_COMMANDS_MAX, newChunkId })) > 0
}

async function pruneSome({ store, retentionMs, failedRetentionMs }: MaintenanceOptions): Promise<boolean> {
  const { chunks, commands, keys } = await store.prune({
    retentionMs,
    failedRetentionMs,
    limit: PRUNE_ROWS_MAX,
  })
  return chunks + commands + keys > 0
}
