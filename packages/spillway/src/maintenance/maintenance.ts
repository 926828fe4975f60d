// What the store needs done from time to time: parked commands that are due become chunks again, and what has outlived its
// retention goes. Both are guarded by the store, so any number of processes may run this at once.
//
// Everybody promotes: a retry that is due should not wait until somebody notices that its one promoter died, and looking for due
// commands costs next to nothing where there are none. Pruning is never urgent and moves many pages, so that several at once
// would only be in each other's way: it is left to the holder of a role.

import type { Clock, NewChunkId, Random, Store, Telemetry } from '../ports/index.js'
import { RecurringTask } from './recurring-task.js'
import { RoleKeeper } from './role-keeper.js'

/** Held by the one process that prunes. */
const MAINTENANCE_ROLE = 'maintenance'
/** Parked commands moved by one call: one transaction that everybody else of a process may have to wait for. */
const PROMOTE_COMMANDS_MAX = 250
/** Commands of one promoted chunk: few enough that retries of slow commands spread over several workers. */
const PROMOTED_CHUNK_COMMANDS_MAX = 100
/** While commands keep coming due they are looked for this much more often. */
const AFTER_WORK_SHARE = 1 / 4
/** Rows of each kind removed by one call. */
const PRUNE_ROWS_MAX = 500

export interface MaintenanceOptions {
  readonly store: Pick<Store, 'promote' | 'prune' | 'nodes'>
  /** Under which this process holds the role. */
  readonly nodeId: string
  /** How long the role stays with a process that was not heard of. */
  readonly roleLeaseMs: number
  readonly clock: Clock
  readonly random: Random
  readonly telemetry: Telemetry
  readonly newChunkId: NewChunkId
  readonly promoteEveryMs: number
  readonly pruneEveryMs: number
  readonly retentionMs: number
  readonly failedRetentionMs: number
  readonly auditRetentionMs: number
}

export class Maintenance {
  readonly #keeper: RoleKeeper
  readonly #tasks: readonly RecurringTask[]

  constructor(options: MaintenanceOptions) {
    const { store, promoteEveryMs, pruneEveryMs, roleLeaseMs } = options
    const promote = new RecurringTask({
      ...options,
      name: 'maintenance.promote',
      everyMs: promoteEveryMs,
      afterWorkMs: promoteEveryMs * AFTER_WORK_SHARE,
      step: () => promoteSome(options),
    })
    const prune = new RecurringTask({
      ...options,
      name: 'maintenance.prune',
      everyMs: pruneEveryMs,
      step: async () => this.#keeper.held && (await pruneSome(options)),
    })
    this.#tasks = [promote, prune]
    this.#keeper = new RoleKeeper({
      ...options,
      role: MAINTENANCE_ROLE,
      nodes: store.nodes,
      leaseMs: roleLeaseMs,
      onTaken: () => prune.hurry(),
    })
  }

  start(): void {
    this.#keeper.start()
    for (const task of this.#tasks) task.start()
  }

  /** Resolves when nothing of it goes on any more. */
  async stop(): Promise<void> {
    await Promise.all(this.#tasks.map((task) => task.stop()))
    await this.#keeper.stop()
  }
}

async function promoteSome({ store, newChunkId }: MaintenanceOptions): Promise<boolean> {
  const limit = PROMOTE_COMMANDS_MAX
  return (await store.promote({ limit, chunkCommandsMax: PROMOTED_CHUNK_COMMANDS_MAX, newChunkId })) > 0
}

async function pruneSome(options: MaintenanceOptions): Promise<boolean> {
  const { store, retentionMs, failedRetentionMs, auditRetentionMs } = options
  const { chunks, commands, keys } = await store.prune({
    ...{ retentionMs, failedRetentionMs, auditRetentionMs },
    limit: PRUNE_ROWS_MAX,
  })
  return chunks + commands + keys > 0
}
