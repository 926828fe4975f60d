// BullMQ on Redis: AOF as its guide to production recommends, one worker with the concurrency of its guide's example, finished
// jobs removed. The queue's connection pipelines by itself, as ioredis offers for many commands at once.

import { Queue, Worker } from 'bullmq'
import { Redis } from 'ioredis'
import { coalesced } from '../coalesced-writes.js'
import { openEffect, POOL_CONNECTIONS } from '../effect.js'
import type { WatchEvent } from '../watch-events.js'
import { type RunningSide, type Side, type SideContext, submits, works } from './side.js'
import { singleJobHandler } from './single-job-handler.js'

const QUEUE = 'watch'
const CONCURRENCY = 50
/** Handlers that share a bulk insert only do so while many of them run. */
const COALESCING_CONCURRENCY = 200
const JOB = { attempts: 5, removeOnComplete: true, removeOnFail: false } as const

interface BullMqVariant {
  readonly title: string
  readonly appendfsync: 'everysec' | 'always'
  readonly handlerWrites: 'row by row' | 'coalesced'
}

function bullMq({ title, appendfsync, handlerWrites }: BullMqVariant): Side {
  return {
    title,
    engine: 'postgres',
    redis: appendfsync,
    settings: {
      worker: { concurrency: concurrencyOf(handlerWrites) },
      jobs: JOB,
      queueConnection: { enableAutoPipelining: true },
      redis: { appendonly: 'yes', appendfsync, 'maxmemory-policy': 'noeviction' },
      handler: { writes: handlerWrites, poolConnections: POOL_CONNECTIONS },
    },
    install: async () => {},
    open: (context) => openBullMq(context, handlerWrites),
  }
}

export const everySecond = bullMq({
  title: 'BullMQ',
  appendfsync: 'everysec',
  handlerWrites: 'row by row',
})

export const always = bullMq({
  title: 'BullMQ, appendfsync always',
  appendfsync: 'always',
  handlerWrites: 'row by row',
})

export const everySecondCoalesced = bullMq({
  title: 'BullMQ, handlers share INSERTs',
  appendfsync: 'everysec',
  handlerWrites: 'coalesced',
})

function concurrencyOf(handlerWrites: BullMqVariant['handlerWrites']): number {
  return handlerWrites === 'coalesced' ? COALESCING_CONCURRENCY : CONCURRENCY
}

async function openBullMq(
  context: SideContext,
  handlerWrites: BullMqVariant['handlerWrites'],
): Promise<RunningSide> {
  const { urls, role } = context
  if (urls.redis === null) throw new Error('BullMQ needs Redis')
  const producing = new Redis(urls.redis, { enableAutoPipelining: true, maxRetriesPerRequest: null })
  const queue = new Queue<WatchEvent>(QUEUE, { connection: producing, defaultJobOptions: JOB })
  await queue.waitUntilReady()
  const stopWorker = works(role) ? await startWorker(context, handlerWrites) : async () => {}
  const noSubmits = () => Promise.reject(new Error('this process only works'))
  return {
    submit: submits(role) ? (event) => queue.add('watch', event) : noSubmits,
    submitMany: (events) => queue.addBulk(events.map((data) => ({ name: 'watch', data }))),
    async close() {
      await stopWorker()
      await queue.close()
      producing.disconnect()
    },
  }
}

async function startWorker(
  context: SideContext,
  handlerWrites: BullMqVariant['handlerWrites'],
): Promise<() => Promise<void>> {
  const direct = openEffect(context.urls.database)
  const effect = handlerWrites === 'coalesced' ? coalesced(direct) : direct
  const handle = singleJobHandler(context, effect)
  const consuming = new Redis(context.urls.redis ?? '', { maxRetriesPerRequest: null })
  const worker = new Worker<WatchEvent>(QUEUE, (job) => handle(job.data, job.attemptsMade + 1), {
    connection: consuming,
    concurrency: concurrencyOf(handlerWrites),
  })
  await worker.waitUntilReady()
  return async () => {
    await worker.close()
    consuming.disconnect()
    await effect.close()
  }
}
