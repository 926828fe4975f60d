// Where sides are run: a fresh database for each, an emptied Redis, the processes that are wanted, and after the run a look
// into the user's table.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PrivateServer } from 'spillway-test-bed'
import { type AgentProcess, startAgentProcess } from './agent-process.js'
import type { Bed } from './bed.js'
import { openControl, type TableContent } from './control.js'
import { treeCpuSeconds } from './process-tree.js'
import { openRedisLog } from './redis-log.js'
import type { SideJob } from './side-actions.js'
import { type SideProcess, startSideProcess } from './side-process-handle.js'
import { loadSide } from './sides/index.js'
import type { ServerUrls, Side } from './sides/side.js'
import type { SideName } from './sides/side-names.js'
import type { Route } from './transit-config.js'

export interface Site {
  readonly side: Side
  readonly urls: ServerUrls
  /** CPU time that database and broker have used so far, in s. */
  serversCpuSeconds(): number
  start(job?: Partial<Pick<SideJob, 'role' | 'urls' | 'timesHandlers' | 'failPercent'>>): SideProcess
  /** `spillway agent`, for a side with a journal. */
  startAgent(): AgentProcess
  content(): Promise<TableContent>
}

let lanes = 0

/** Prepares a fresh database for the side, lets `use` run on it and cleans up whatever happened. */
export async function onFreshSite<Figures>(
  bed: Bed,
  name: SideName,
  use: (site: Site) => Promise<Figures>,
): Promise<Figures> {
  const side = await loadSide(name)
  const server = await (side.engine === 'postgres' ? bed.postgres() : bed.mariadb())
  const redis = side.redis === null ? null : await bed.redis()
  if (redis !== null && side.redis !== null) await emptyRedis(redis.url, side.redis)
  const broker = side.broker === undefined ? null : await bed.broker(side.broker)
  const database = await server.createDatabase()
  const spool = side.hasJournal === true ? await mkdtemp(join(tmpdir(), 'spillway-bench-')) : null
  lanes += 1
  const transit = { broker: broker?.url ?? null, lane: `lane-${lanes}`, spool }
  const urls = { database: database.url, redis: redis?.url ?? null, transit }
  const servers = [server, redis, broker].filter((one): one is PrivateServer => one !== null)
  const processes: SideProcess[] = []
  const start: Site['start'] = (job) => {
    const process = startSideProcess({
      ...{ side: name, role: 'both', urls, direct: urls, timesHandlers: false, failPercent: 0 },
      ...{ databasePid: server.pid, redisPid: redis?.pid ?? null },
      ...job,
    })
    processes.push(process)
    return process
  }
  try {
    return await use({
      ...{ side, urls, start, content: () => contentOf(side, database.url) },
      startAgent() {
        const agent = startAgentProcess(name, { route: routeOf(side), urls })
        processes.push(agent)
        return agent
      },
      serversCpuSeconds: () => servers.reduce((sum, { pid }) => sum + treeCpuSeconds(pid), 0),
    })
  } finally {
    await Promise.all(processes.map((process) => process.end()))
    await database.drop()
    if (spool !== null) await rm(spool, { recursive: true, force: true })
  }
}

function routeOf({ hasJournal = false, broker }: Side): Route {
  return { hasJournal, broker: broker ?? null }
}

async function emptyRedis(url: string, appendfsync: 'everysec' | 'always'): Promise<void> {
  const log = openRedisLog(url)
  await log.prepare(appendfsync)
  log.close()
}

async function contentOf(side: Side, url: string): Promise<TableContent> {
  const control = await openControl(side.engine, url)
  const content = await control.content()
  await control.close()
  return content
}
