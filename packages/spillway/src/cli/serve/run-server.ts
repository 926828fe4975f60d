// A process that stays: it starts its parts, waits for Ctrl-C or SIGTERM, and stops them in the order in which commands flow.

import { namedSpools } from '../../agent/index.js'
import type { Role, Spillway } from '../../app/api.js'
import { createSpillway } from '../../app/create-spillway.js'
import { inOrder } from '../../app/in-order.js'
import type { SpillwayConfig } from '../../config/index.js'
import { createLogs, type LogLevel } from '../../telemetry/index.js'
import type { Session } from '../command.js'
import type { LoadedConfig } from '../load-config.js'
import { EmbeddedAgent } from './embedded-agent.js'
import { humanLog } from './human-log.js'
import { interrupted } from './interrupted.js'
import { type Shown, serveMetrics } from './metrics-server.js'
import { recordShippers } from './record-shippers.js'

export interface ServerPlan {
  readonly roles: readonly Role[]
  readonly migrate: boolean
  readonly logs: { readonly level: LogLevel; readonly form: 'json' | 'human' }
  /** Serve metrics alone on this port; only without API. */
  readonly metricsPort?: number
  /** Take what its journals hold to where it belongs, unless another agent does. Only with the role worker. */
  readonly shipsSpools?: boolean
  /** Says hello, once everything runs. `url` is null without HTTP. */
  readonly onReady: (spillway: Spillway, url: string | null) => Promise<void> | void
}

interface Listener {
  readonly url: string
  close(): Promise<void>
}

/** Resolves when everything is stopped again. */
export async function runServer(session: Session, loaded: LoadedConfig, plan: ServerPlan): Promise<void> {
  const spools = namedSpools(loaded.resolved.queues.values())
  const agent = plan.shipsSpools === true && spools.length > 0 ? new EmbeddedAgent(loaded, spools) : null
  const spillway = await start(session, agent?.config ?? loaded.config, plan, agent !== null)
  let listener: Listener | null = null
  try {
    await agent?.start(spillway, { wait: true })
    listener = await listen(spillway, plan)
    await plan.onReady(spillway, listener?.url ?? null)
    if (agent === null && plan.roles.includes('intake')) await recordShippers(spillway.telemetry, spools)
    await interrupted(session.interruption.signal)
    spillway.telemetry.record({ event: 'lifecycle', what: 'stopping: finishing what has begun' })
  } finally {
    await inOrder([
      () => listener?.close(),
      () => (agent === null ? spillway.close() : agent.close(spillway)),
    ])
  }
}

function start(
  { terminal }: Session,
  config: SpillwayConfig,
  { roles, migrate, logs }: ServerPlan,
  isAgent: boolean,
): Promise<Spillway> {
  const options = { roles, migrate, besides: isAgent ? (['agent'] as const) : [] }
  if (logs.form === 'json') return createSpillway(config, { ...options, logs: logs.level })
  const human = createLogs({ level: logs.level, destination: humanLog(terminal.messages) })
  const telemetry = [...(config.telemetry ?? []), human]
  return createSpillway({ ...config, telemetry }, { ...options, logs: 'silent' })
}

async function listen(spillway: Spillway, { roles, metricsPort }: ServerPlan): Promise<Listener | null> {
  if (roles.includes('intake')) {
    const { serveHttp } = await import('../../http/index.js')
    return await serveHttp(spillway)
  }
  return metricsPort === undefined ? null : await serveMetrics(shownOf(spillway), metricsPort)
}

function shownOf(spillway: Spillway): Shown {
  const { config, metrics, telemetry } = spillway
  return { http: config.http, metrics, telemetry, health: () => spillway.health() }
}
