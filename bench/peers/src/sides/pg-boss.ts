// pg-boss with what its documentation offers for throughput: batches that are written with one statement, and workers that
// fetch again at once while batches come back full. LISTEN/NOTIFY is for the idle section only: with it the rate under load
// was less than half.

import { PgBoss } from 'pg-boss'
import { type Effect, openEffect, POOL_CONNECTIONS } from '../effect.js'
import type { WatchEvent } from '../watch-events.js'
import { PlannedFailure, type RunningSide, type Side, type SideContext, works } from './side.js'

const QUEUE = 'watch'
const WORK = {
  batchSize: 200,
  localConcurrency: 4,
  burstWhenBatchFull: true,
  pollingIntervalSeconds: 0.5,
  notifyPollingIntervalSeconds: 0.5,
} as const

const queueOptions = (notify: boolean) => ({ notify, retryLimit: 5, retryDelay: 0 })

interface BossJob {
  readonly id: string
  readonly data: WatchEvent
  readonly retryCount: number
}

interface PgBossVariant {
  readonly title: string
  readonly notify: boolean
}

function pgBoss({ title, notify }: PgBossVariant): Side {
  return {
    title,
    engine: 'postgres',
    redis: null,
    settings: {
      constructor: { max: POOL_CONNECTIONS, useListenNotify: notify },
      queue: queueOptions(notify),
      work: WORK,
      handler: { writes: 'the batch in one statement', poolConnections: POOL_CONNECTIONS },
    },
    async install({ database }) {
      const boss = new PgBoss({ connectionString: database })
      await boss.start()
      await boss.createQueue(QUEUE, queueOptions(notify))
      await boss.stop({ graceful: false })
    },
    open: (context) => openPgBoss(context, notify),
  }
}

export const polling = pgBoss({ title: 'pg-boss', notify: false })

export const notified = pgBoss({ title: 'pg-boss, with LISTEN/NOTIFY', notify: true })

async function openPgBoss(context: SideContext, notify: boolean): Promise<RunningSide> {
  const boss = new PgBoss({
    connectionString: context.urls.database,
    max: POOL_CONNECTIONS,
    useListenNotify: notify && works(context.role),
  })
  boss.on('error', (error) => process.stderr.write(`pg-boss: ${String(error)}\n`))
  await boss.start()
  const effect = openEffect(context.urls.database)
  if (works(context.role)) await startWork(boss, context, effect)
  return {
    submit: (event) => boss.send(QUEUE, event),
    submitMany: (events) =>
      boss.insert(
        QUEUE,
        events.map((data) => ({ data })),
      ),
    async close() {
      await boss.stop({ graceful: true })
      await effect.close()
    },
  }
}

async function startWork(boss: PgBoss, context: SideContext, effect: Effect): Promise<void> {
  const { fails } = context.rules
  if (fails === null) {
    await boss.work<WatchEvent>(QUEUE, WORK, (jobs) => handleAll(jobs, context, effect))
    return
  }
  await boss.work<WatchEvent>(
    QUEUE,
    { ...WORK, includeMetadata: true, perJobResults: true },
    async (jobs) => {
      const good = (job: BossJob) => !fails(job.data, job.retryCount + 1)
      await handleAll(jobs.filter(good), context, effect)
      return jobs.map((job) =>
        good(job)
          ? { id: job.id, status: 'completed' as const }
          : { id: job.id, status: 'failed' as const, output: { message: new PlannedFailure().message } },
      )
    },
  )
}

async function handleAll(
  jobs: readonly Pick<BossJob, 'data'>[],
  { rules, landed }: SideContext,
  effect: Effect,
): Promise<void> {
  const events = jobs.map((job) => job.data)
  if (rules.started !== null) events.forEach(rules.started)
  if (events.length === 0) return
  const written = await effect.writeMany(events)
  landed.add(written, events.length - written)
}
