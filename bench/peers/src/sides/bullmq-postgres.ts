// BullMQ on its PostgreSQL backend: the same jobs and worker as on Redis, with pools as large as the other sides'.

import { createPostgresBackend, runMigrations, withBackend } from 'bullmq'
import { openEffect, openPool, POOL_CONNECTIONS } from '../effect.js'
import type { WatchEvent } from '../watch-events.js'
import { type RunningSide, type Side, type SideContext, works } from './side.js'
import { singleJobHandler } from './single-job-handler.js'

const QUEUE = 'watch'
const CONCURRENCY = 50
const JOB = { attempts: 5, removeOnComplete: true, removeOnFail: false } as const

const { Queue, Worker } = withBackend(createPostgresBackend)

export const bullMqOnPostgres: Side = {
  title: 'BullMQ on PostgreSQL',
  engine: 'postgres',
  redis: null,
  settings: {
    worker: { concurrency: CONCURRENCY },
    jobs: JOB,
    poolConnections: { queue: POOL_CONNECTIONS, worker: POOL_CONNECTIONS, handler: POOL_CONNECTIONS },
  },
  async install({ database }) {
    const pool = openPool(database)
    const client = await pool.connect()
    await runMigrations(client)
    client.release()
    await pool.end()
  },
  open: openBullMq,
}

async function openBullMq(context: SideContext): Promise<RunningSide> {
  const connection = { connectionString: context.urls.database, max: POOL_CONNECTIONS }
  const queue = new Queue<WatchEvent>(QUEUE, { connection, defaultJobOptions: JOB })
  await queue.waitUntilReady()
  const stopWorker = works(context.role) ? await startWorker(context, connection) : async () => {}
  return {
    submit: (event) => queue.add('watch', event),
    submitMany: (events) => queue.addBulk(events.map((data) => ({ name: 'watch', data }))),
    async close() {
      await stopWorker()
      await queue.close()
    },
  }
}

async function startWorker(
  context: SideContext,
  connection: { connectionString: string; max: number },
): Promise<() => Promise<void>> {
  const effect = openEffect(context.urls.database)
  const handle = singleJobHandler(context, effect)
  const worker = new Worker<WatchEvent>(QUEUE, (job) => handle(job.data, job.attemptsMade + 1), {
    connection,
    concurrency: CONCURRENCY,
  })
  await worker.waitUntilReady()
  return async () => {
    await worker.close()
    await effect.close()
  }
}
