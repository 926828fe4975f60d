// Spillway with its defaults: group commit at intake, chunks, and `into()` as the handler, whose rows and settlement share a
// commit. Where a section wants executions to fail or to be timed, a batch handler writes the same rows by the same statement.

import {
  type AnyCommand,
  createSpillway,
  defineCommand,
  into,
  type Role,
  retry,
  type Spillway,
} from 'spillway'
import { mysql } from 'spillway/mysql'
import { postgres } from 'spillway/postgres'
import { watchEvent } from 'spillway-bench/watch-event'
import { columnArrays, POSTGRES_INSERT_MANY } from '../tables.js'
import { COLUMNS, rowOf, type WatchEvent } from '../watch-events.js'
import { PlannedFailure, type RunningSide, type Side, type SideContext, type SideRole } from './side.js'

type Deduplicate = 'intake' | 'effect' | 'none'

interface SpillwayVariant {
  readonly title: string
  readonly engine: 'postgres' | 'mariadb'
  readonly deduplicate: Deduplicate
}

export const BATCH = { maxSize: 1_000 } as const
const RETRY = { attempts: 5, backoff: { type: 'fixed', delay: 0, jitter: 'none' } } as const

export const ROLES: Readonly<Record<SideRole, readonly Role[]>> = {
  submit: ['intake'],
  work: ['worker', 'maintenance'],
  both: ['intake', 'worker', 'maintenance'],
}

function spillwaySide({ title, engine, deduplicate }: SpillwayVariant): Side {
  return {
    title,
    engine,
    redis: null,
    settings: {
      deduplicate,
      batch: BATCH,
      handler: "into('watch_events'), onConflict: 'ignore'",
      everythingElse: 'defaults',
      retryWhereExecutionsFail: RETRY,
    },
    async install({ database }) {
      const store = openStore(engine, database)
      await store.schema.migrate()
      await store.close()
    },
    open: (context) => openSpillway(context, engine, deduplicate),
  }
}

export const withDedupeAtIntake = spillwaySide({
  title: 'Spillway',
  engine: 'postgres',
  deduplicate: 'intake',
})

export const withDedupeAtTheEffect = spillwaySide({
  title: 'Spillway, dedupe at the effect',
  engine: 'postgres',
  deduplicate: 'effect',
})

export const withoutDedupe = spillwaySide({
  title: 'Spillway, no dedupe',
  engine: 'postgres',
  deduplicate: 'none',
})

export const onMariaDb = spillwaySide({
  title: 'Spillway (MariaDB)',
  engine: 'mariadb',
  deduplicate: 'intake',
})

function openStore(engine: Side['engine'], url: string) {
  return engine === 'postgres' ? postgres(url) : mysql(url)
}

async function openSpillway(
  context: SideContext,
  engine: Side['engine'],
  deduplicate: Deduplicate,
): Promise<RunningSide> {
  const { rules } = context
  const isPlain = rules.started === null && rules.fails === null
  const command = isPlain ? plainCommand(deduplicate) : ruledCommand(deduplicate, context)
  const spillway = await createSpillway(
    {
      store: openStore(engine, context.urls.database),
      commands: [command],
      telemetry: [{ record: (event) => countFinished(event, context) }],
    },
    { roles: ROLES[context.role], logs: rules.fails === null ? 'warn' : 'error' },
  )
  return running(spillway, command)
}

export function countFinished(
  event: { readonly event: string; readonly outcome?: string; readonly count?: number },
  { landed }: Pick<SideContext, 'landed'>,
): void {
  if (event.event === 'command.finished' && event.outcome === 'succeeded') landed.add(event.count ?? 0)
}

export function running(spillway: Spillway, command: AnyCommand): RunningSide {
  return {
    submit: (event) => spillway.submit(command, event),
    async submitMany(events) {
      const verdicts = await spillway.submitMany(command, events)
      const refused = verdicts.find((verdict) => !verdict.ok)
      if (refused !== undefined && !refused.ok) throw refused.error
    },
    close: () => spillway.close(),
  }
}

function keyOptions(deduplicate: Deduplicate) {
  if (deduplicate === 'none') return {}
  return { deduplicate, idempotencyKey: (event: WatchEvent) => event.eventId }
}

export function plainCommand(deduplicate: Deduplicate): AnyCommand {
  return defineCommand({
    name: 'watch.record',
    input: watchEvent,
    batch: BATCH,
    ...keyOptions(deduplicate),
    handleBatch: into<WatchEvent>('watch_events', {
      key: ['event_id'],
      columns: COLUMNS,
      onConflict: 'ignore',
      map: rowOf,
    }),
  })
}

function ruledCommand(deduplicate: Deduplicate, { rules }: SideContext): AnyCommand {
  return defineCommand({
    name: 'watch.record',
    input: watchEvent,
    batch: BATCH,
    retry: RETRY,
    settlement: 'transaction',
    ...keyOptions(deduplicate),
    async handleBatch(events, { tx, commands }) {
      if (rules.started !== null) events.forEach(rules.started)
      const isBad = events.map((event, at) => rules.fails?.(event, commands[at]?.attempt ?? 1) ?? false)
      const good = events.filter((_, at) => !isBad[at])
      if (good.length > 0) {
        await tx.query({ name: 'insert_many', text: POSTGRES_INSERT_MANY, values: columnArrays(good) })
      }
      return isBad.map((bad) => (bad ? retry(new PlannedFailure().message) : null))
    },
  })
}
