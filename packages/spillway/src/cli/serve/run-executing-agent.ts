// Agent and worker in one process, as `spillway agent --execute` starts them.

import { spoolsOf } from '../../agent/index.js'
import { createSpillway } from '../../app/create-spillway.js'
import { inOrder } from '../../app/in-order.js'
import type { Session } from '../command.js'
import type { LoadedConfig } from '../load-config.js'
import { spoolCheck } from './agent-health.js'
import { EmbeddedAgent } from './embedded-agent.js'
import { interrupted } from './interrupted.js'
import { type MetricsServer, serveMetrics } from './metrics-server.js'
import { type AgentPlan, recordStart } from './run-agent.js'

/** Resolves when everything is stopped again. */
export async function runExecutingAgent(
  session: Session,
  loaded: LoadedConfig,
  plan: AgentPlan,
): Promise<void> {
  const { resolved, path } = loaded
  const spools = spoolsOf([...resolved.queues.values()], plan.spools)
  const agent = new EmbeddedAgent(loaded, spools)
  const spillway = await createSpillway(agent.config, {
    ...{ roles: ['worker', 'maintenance'], besides: ['agent'], migrate: false, logs: plan.logs },
  })
  const { telemetry } = spillway
  let server: MetricsServer | null = null
  try {
    await agent.start(spillway, { wait: plan.wait })
    const shown = {
      ...{ http: resolved.http, metrics: spillway.metrics, telemetry },
      async health() {
        const { ready, checks } = await spillway.health()
        const own = agent.spools.map(spoolCheck)
        return { ready: ready && own.every(({ ok }) => ok), checks: [...checks, ...own] }
      },
    }
    if (plan.metricsPort !== null) server = await serveMetrics(shown, plan.metricsPort)
    recordStart(telemetry, spools, path, server?.url ?? null)
    await interrupted(session.interruption.signal)
    telemetry.record({ event: 'lifecycle', what: 'stopping: finishing what has begun' })
  } finally {
    await inOrder([() => server?.close(), () => agent.close(spillway)])
  }
}
