// What a load has cost: CPU time of our process and of the servers, and the bytes their logs grew by.

import type { Control } from './control.js'
import { treeCpuSeconds } from './process-tree.js'

export interface Costs {
  readonly processCpuSeconds: number
  readonly databaseCpuSeconds: number
  readonly redisCpuSeconds: number
  /** WAL of PostgreSQL, redo log of MariaDB. */
  readonly logBytes: number
  readonly redisLogBytes: number
}

export interface Meters {
  readonly control: Control
  readonly databasePid: number
  readonly redis: { readonly log: { bytes(): Promise<number>; close(): void }; readonly pid: number } | null
}

export async function readCosts({ control, databasePid, redis }: Meters): Promise<Costs> {
  const { user, system } = process.cpuUsage()
  return {
    processCpuSeconds: (user + system) / 1e6,
    databaseCpuSeconds: treeCpuSeconds(databasePid),
    redisCpuSeconds: redis === null ? 0 : treeCpuSeconds(redis.pid),
    logBytes: await control.logBytes(),
    redisLogBytes: redis === null ? 0 : await redis.log.bytes(),
  }
}

export function costsBetween(before: Costs, after: Costs): Costs {
  return {
    processCpuSeconds: after.processCpuSeconds - before.processCpuSeconds,
    databaseCpuSeconds: after.databaseCpuSeconds - before.databaseCpuSeconds,
    redisCpuSeconds: after.redisCpuSeconds - before.redisCpuSeconds,
    logBytes: after.logBytes - before.logBytes,
    redisLogBytes: after.redisLogBytes - before.redisLogBytes,
  }
}
