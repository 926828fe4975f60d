// The benchmark's own connection to Redis: a clean start for every run, and how much its log has grown.

import { Redis } from 'ioredis'

interface RedisLog {
  /** Empties it, writes the log anew and sets how often the log is synced. */
  prepare(appendfsync: 'everysec' | 'always'): Promise<void>
  bytes(): Promise<number>
  close(): void
}

const LOOK_EVERY_MS = 20

export function openRedisLog(url: string): RedisLog {
  const redis = new Redis(url)
  const persistence = async (field: string): Promise<number> => {
    const match = new RegExp(`^${field}:(\\d+)`, 'm').exec(await redis.info('persistence'))
    return Number(match?.[1] ?? 0)
  }
  return {
    async prepare(appendfsync) {
      await redis.flushall('SYNC')
      await redis.config('SET', 'appendfsync', appendfsync)
      await redis.bgrewriteaof()
      while (
        (await persistence('aof_rewrite_in_progress')) + (await persistence('aof_rewrite_scheduled')) >
        0
      ) {
        await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
      }
    },
    bytes: () => persistence('aof_current_size'),
    close: () => redis.disconnect(),
  }
}
