// Agent and worker in one process: what a journal holds for the store is executed right here. The worker takes the frames as it takes
// deliveries of a broker, so there is no second way to execute anything.

import { createRoutes, SpoolBroker, spoolsOf, storeDestination } from '../../agent/index.js'
import { createSpillway } from '../../app/create-spillway.js'
import type { QueueOptions, SpillwayConfig } from '../../config/index.js'
import type { Broker } from '../../ports/index.js'
import { systemClock, systemRandom } from '../../runtime/index.js'
import type { Session } from '../command.js'
import type { LoadedConfig } from '../load-config.js'
import { spoolCheck } from './agent-health.js'
import { type MetricsServer, serveMetrics } from './metrics-server.js'
import { type AgentPlan, inOrder, interrupted, newAgent, recordStart } from './run-agent.js'

/** Beyond what the worker's own close may take. */
const DRAIN_GRACE_MS = 5_000

/** Resolves when everything is stopped again. */
export async function runExecutingAgent(
  session: Session,
  { config, resolved, path }: LoadedConfig,
  plan: AgentPlan,
): Promise<void> {
  const queues = [...resolved.queues.values()]
  const spools = spoolsOf(queues, plan.spools)
  const store = storeDestination(resolved.store)
  const broker = new SpoolBroker({ store, clock: systemClock, random: systemRandom })
  const spillway = await createSpillway(
    { ...config, queues: { ...config.queues, ...executedHere(config, broker) } },
    { roles: ['worker', 'maintenance'], besides: ['agent'], migrate: false, logs: plan.logs },
  )
  const { telemetry } = spillway
  const routes = createRoutes({ queues, store: resolved.store, isOpen: true, clock: systemClock, telemetry })
  const route = (queue: string) => routes.toBroker(queue) ?? broker.route(queue)
  const agent = newAgent(spools, route, telemetry, resolved.worker.closeTimeoutMs + DRAIN_GRACE_MS)
  let server: MetricsServer | null = null
  try {
    await agent.start({ wait: plan.wait })
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
    await inOrder([
      () => server?.close(),
      // Nothing new is taken while the worker finishes; what it finished is behind the checkpoint then.
      async () => {
        const stopped = agent.stop()
        await inOrder([() => spillway.close(), () => broker.close(), () => stopped])
      },
    ])
  }
}

/** The queues whose journal goes to the store, as queues that come from this process's own spool. */
function executedHere({ queues = {} }: SpillwayConfig, to: Broker): Record<string, QueueOptions> {
  const changed: Record<string, QueueOptions> = {}
  for (const [name, options] of Object.entries(queues)) {
    const { channel } = options
    if (typeof channel === 'object' && channel.kind === 'journal' && channel.to === 'store')
      changed[name] = { ...options, channel: { ...channel, to } }
  }
  return changed
}
