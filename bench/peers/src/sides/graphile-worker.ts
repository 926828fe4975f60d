// Graphile Worker with batching and the local queue on, from the configuration in which its own documentation measures it.
// Under load a refetch delay lets more jobs come with each fetch; the idle section goes without, as that measurement does.

import { Logger, makeWorkerUtils, type Runner, run, runMigrations } from 'graphile-worker'
import { coalesced } from '../coalesced-writes.js'
import { openEffect, openPool, POOL_CONNECTIONS } from '../effect.js'
import type { WatchEvent } from '../watch-events.js'
import { type RunningSide, type Side, type SideContext, works } from './side.js'
import { singleJobHandler } from './single-job-handler.js'

const TASK = 'watch'
const WORKER = {
  concurrentJobs: 24,
  maxPoolSize: 25,
  localQueue: { size: 500, refetchDelay: { durationMs: 50, threshold: 250, maxAbortThreshold: 1_000 } },
  completeJobBatchDelay: 25,
  failJobBatchDelay: 25,
  pollInterval: 500,
} as const
const EAGER_WORKER = {
  ...WORKER,
  localQueue: { size: 500 },
  completeJobBatchDelay: 0,
  failJobBatchDelay: 0,
} as const
/** Handlers that share a bulk insert only do so while many of them run. */
const COALESCING_JOBS = 200

const quiet = new Logger(() => () => {})

interface GraphileVariant {
  readonly title: string
  readonly worker: GraphileConfig.WorkerOptions
  readonly handlerWrites: 'row by row' | 'coalesced'
}

function graphileWorker({ title, worker, handlerWrites }: GraphileVariant): Side {
  return {
    title,
    engine: 'postgres',
    redis: null,
    settings: {
      worker,
      addJob: { poolConnections: POOL_CONNECTIONS },
      handler: { writes: handlerWrites, poolConnections: POOL_CONNECTIONS },
    },
    install: ({ database }) => runMigrations({ connectionString: database, logger: quiet }),
    open: (context) => openGraphile(context, worker, handlerWrites),
  }
}

export const rowByRow = graphileWorker({
  title: 'graphile-worker',
  worker: WORKER,
  handlerWrites: 'row by row',
})

export const eager = graphileWorker({
  title: 'graphile-worker, without refetch delay',
  worker: EAGER_WORKER,
  handlerWrites: 'row by row',
})

export const withCoalescedRows = graphileWorker({
  title: 'graphile-worker, handlers share INSERTs',
  worker: { ...WORKER, concurrentJobs: COALESCING_JOBS },
  handlerWrites: 'coalesced',
})

async function openGraphile(
  context: SideContext,
  worker: GraphileConfig.WorkerOptions,
  handlerWrites: GraphileVariant['handlerWrites'],
): Promise<RunningSide> {
  const pool = openPool(context.urls.database)
  const utils = await makeWorkerUtils({ pgPool: pool, logger: quiet })
  const direct = openEffect(context.urls.database)
  const effect = handlerWrites === 'coalesced' ? coalesced(direct) : direct
  const handle = singleJobHandler(context, effect)
  const taskList = {
    [TASK]: (payload: unknown, { job }: { job: { attempts: number } }) =>
      handle(payload as WatchEvent, job.attempts),
  }
  const preset = { worker: { ...worker, connectionString: context.urls.database, logger: quiet } }
  const runner: Runner | null = works(context.role)
    ? await run({ preset, taskList, parsedCronItems: [], noHandleSignals: true })
    : null
  return {
    submit: (event) => utils.addJob(TASK, event),
    submitMany: (events) => utils.addJobs(events.map((payload) => ({ identifier: TASK, payload }))),
    async close() {
      await runner?.stop()
      await utils.release()
      await pool.end()
      await effect.close()
    },
  }
}
