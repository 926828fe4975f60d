// The agent as a process: it starts whatever is down, ships until it is told to stop, and leaves its checkpoints behind what has arrived.

import { Agent, createRoutes, type Routes, spoolsOf } from '../../agent/index.js'
import { inOrder } from '../../app/in-order.js'
import { VERSION } from '../../app/version.js'
import type { ResolvedConfig } from '../../config/index.js'
import { nodeFiles, nodeProcesses, watchFolder } from '../../journal/index.js'
import { Registration } from '../../maintenance/index.js'
import { type Store, type Telemetry, tee } from '../../ports/index.js'
import { createChunkIds, processPlace, systemClock, systemRandom } from '../../runtime/index.js'
import { createLogs, createMetrics, instrumentStore, type LogLevel } from '../../telemetry/index.js'
import type { Session } from '../command.js'
import type { LoadedConfig } from '../load-config.js'
import { agentHealth } from './agent-health.js'
import { interrupted } from './interrupted.js'
import { type MetricsServer, serveMetrics } from './metrics-server.js'

/** How long a node counts as alive after it was last heard of. */
const NODE_TTL_MS = 15_000

export interface AgentPlan {
  /** Instead of those that the configuration names; empty = those. */
  readonly spools: readonly string[]
  /** Wait for spools that another agent has. */
  readonly wait: boolean
  readonly logs: LogLevel
  readonly metricsPort: number | null
}

/** Resolves when everything is stopped again. */
export async function runAgent(session: Session, loaded: LoadedConfig, plan: AgentPlan): Promise<void> {
  const { resolved } = loaded
  const spools = spoolsOf([...resolved.queues.values()], plan.spools)
  const metrics = createMetrics({ clock: systemClock, version: VERSION, queues: resolved.queues.keys() })
  const telemetry = tee(metrics.telemetry, createLogs({ level: plan.logs }), ...resolved.telemetry)
  const store = instrumentStore(resolved.store, telemetry, systemClock)
  const routes = createRoutes({ queues: [...resolved.queues.values()], store, clock: systemClock, telemetry })
  const agent = new Agent({
    spools: spools.map((folder) => ({ folder, route: routes.route })),
    ...{ files: nodeFiles, processes: nodeProcesses, watch: watchFolder },
    ...{ clock: systemClock, random: systemRandom, telemetry },
  })
  const ways = waysOf(routes, resolved, plan.spools)
  const registration = ways.includes(routes.toStore) ? registrationOf(routes, store, telemetry) : null
  let server: MetricsServer | null = null
  try {
    await agent.start({ wait: plan.wait })
    registration?.start()
    const health = () => agentHealth(agent, ways)
    const shown = { http: resolved.http, metrics, telemetry, health }
    if (plan.metricsPort !== null) server = await serveMetrics(shown, plan.metricsPort)
    recordStart(telemetry, spools, loaded.path, server?.url ?? null)
    await interrupted(session.interruption.signal)
    telemetry.record({ event: 'lifecycle', what: 'stopping: finishing what is under way' })
  } finally {
    await inOrder([
      () => server?.close(),
      () => agent.stop(),
      () => registration?.stop(),
      () => routes.close(),
    ])
  }
}

export function recordStart(
  telemetry: Telemetry,
  spools: readonly string[],
  config: string,
  url: string | null,
): void {
  const details = { roles: 'agent', spools: spools.join(','), config, ...(url === null ? {} : { url }) }
  telemetry.record({ event: 'lifecycle', what: 'started', details })
}

/** Where frames go as far as it is known: what a queue of a folder that was told is called is not. */
function waysOf(routes: Routes, { queues }: ResolvedConfig, told: readonly string[]) {
  const journals = [...queues.values()].filter(({ channel }) => channel.kind === 'journal')
  const mayNeedStore =
    told.length > 0 || journals.some(({ channel }) => channel.kind === 'journal' && channel.to === 'store')
  return [...(mayNeedStore ? [routes.toStore] : []), ...routes.toBrokers]
}

/** An agent works on the store like any other node, as far as it ships to it. */
function registrationOf({ toStore }: Routes, store: Store, telemetry: Telemetry): Registration {
  const id = createChunkIds(systemClock, systemRandom)()
  let isKnown = false
  return new Registration({
    nodes: {
      async heartbeat(node, ttlMs) {
        await toStore.open()
        isKnown = true
        await store.nodes.heartbeat(node, ttlMs)
      },
      // A store that was never there has nothing to forget.
      leave: async (nodeId) => (isKnown ? store.nodes.leave(nodeId) : undefined),
    },
    node: { id, ...processPlace(), version: VERSION, roles: ['agent'] },
    ttlMs: NODE_TTL_MS,
    ...{ clock: systemClock, random: systemRandom, telemetry },
  })
}
