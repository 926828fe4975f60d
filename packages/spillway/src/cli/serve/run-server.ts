// A process that stays: it starts its parts, waits for Ctrl-C or SIGTERM, and stops them in the order in which commands flow.

import type { Role, Spillway } from '../../app/api.js'
import { createSpillway } from '../../app/create-spillway.js'
import { serveHttp } from '../../http/index.js'
import { createLogs, type LogLevel } from '../../telemetry/index.js'
import type { Session } from '../command.js'
import type { LoadedConfig } from '../load-config.js'
import { humanLog } from './human-log.js'
import { type Shown, serveMetrics } from './metrics-server.js'

export interface ServerPlan {
  readonly roles: readonly Role[]
  readonly migrate: boolean
  readonly logs: { readonly level: LogLevel; readonly form: 'json' | 'human' }
  /** Serve metrics alone on this port; only without API. */
  readonly metricsPort?: number
  /** Says hello, once everything runs. `url` is null without HTTP. */
  readonly onReady: (spillway: Spillway, url: string | null) => Promise<void> | void
}

interface Listener {
  readonly url: string
  close(): Promise<void>
}

/** Resolves when everything is stopped again. */
export async function runServer(session: Session, loaded: LoadedConfig, plan: ServerPlan): Promise<void> {
  const { signal } = session.interruption
  const spillway = await start(session, loaded, plan)
  let listener: Listener | null = null
  try {
    listener = await listen(spillway, plan)
    await plan.onReady(spillway, listener?.url ?? null)
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve()
      else signal.addEventListener('abort', () => resolve())
    })
    spillway.telemetry.record({ event: 'lifecycle', what: 'stopping: finishing what has begun' })
  } finally {
    try {
      await listener?.close()
    } finally {
      await spillway.close()
    }
  }
}

function start({ terminal }: Session, { config }: LoadedConfig, plan: ServerPlan): Promise<Spillway> {
  const { roles, migrate, logs } = plan
  if (logs.form === 'json') return createSpillway(config, { roles, migrate, logs: logs.level })
  const human = createLogs({ level: logs.level, destination: humanLog(terminal.messages) })
  return createSpillway(
    { ...config, telemetry: [...(config.telemetry ?? []), human] },
    { roles, migrate, logs: 'silent' },
  )
}

async function listen(spillway: Spillway, { roles, metricsPort }: ServerPlan): Promise<Listener | null> {
  if (roles.includes('intake')) return await serveHttp(spillway)
  return metricsPort === undefined ? null : await serveMetrics(shownOf(spillway), metricsPort)
}

function shownOf(spillway: Spillway): Shown {
  const { config, metrics, telemetry } = spillway
  return { http: config.http, metrics, telemetry, health: () => spillway.health() }
}
