// An agent inside of a process that works: what its spools hold for the store is executed right there. The worker takes the frames as it
// takes deliveries of a broker, so there is no second way to execute anything.

import { Agent, createRoutes, SpoolBroker, type SpoolState, storeDestination } from '../../agent/index.js'
import type { Spillway } from '../../app/api.js'
import { inOrder } from '../../app/in-order.js'
import type { QueueOptions, SpillwayConfig } from '../../config/index.js'
import { nodeFiles, nodeProcesses, watchFolder } from '../../journal/index.js'
import type { Broker } from '../../ports/index.js'
import { systemClock, systemRandom } from '../../runtime/index.js'
import type { LoadedConfig } from '../load-config.js'

/** Beyond what the worker's own close may take. */
const DRAIN_GRACE_MS = 5_000

export class EmbeddedAgent {
  /** What the Spillway of this process is to be made of. */
  readonly config: SpillwayConfig
  readonly #resolved: LoadedConfig['resolved']
  readonly #spools: readonly string[]
  readonly #broker: SpoolBroker
  #agent: Agent | null = null

  constructor({ config, resolved }: Pick<LoadedConfig, 'config' | 'resolved'>, spools: readonly string[]) {
    const store = storeDestination(resolved.store)
    this.#broker = new SpoolBroker({ store, clock: systemClock, random: systemRandom })
    this.#resolved = resolved
    this.#spools = spools
    this.config = { ...config, queues: { ...config.queues, ...executedHere(config, this.#broker) } }
  }

  /** As measured last. */
  get spools(): readonly SpoolState[] {
    return this.#agent?.spools ?? []
  }

  /** Of the Spillway made of `config`. Throws `state_conflict` when another agent has a spool and is not to be waited for. */
  async start(
    { telemetry }: Pick<Spillway, 'telemetry'>,
    options: { readonly wait: boolean },
  ): Promise<void> {
    const { queues, store, worker } = this.#resolved
    const routes = createRoutes({
      ...{ queues: [...queues.values()], store, isOpen: true, clock: systemClock, telemetry },
    })
    const route = (queue: string) => routes.toBroker(queue) ?? this.#broker.route(queue)
    this.#agent = new Agent({
      spools: this.#spools.map((folder) => ({ folder, route })),
      ...{ files: nodeFiles, processes: nodeProcesses, watch: watchFolder },
      ...{ clock: systemClock, random: systemRandom, telemetry },
      drainMs: worker.closeTimeoutMs + DRAIN_GRACE_MS,
    })
    await this.#agent.start(options)
  }

  /** With its Spillway: nothing new is taken while the worker finishes, and what it finished is behind the checkpoint then. */
  async close(spillway: Pick<Spillway, 'close'>): Promise<void> {
    const stopped = this.#agent?.stop()
    await inOrder([() => spillway.close(), () => this.#broker.close(), () => stopped])
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
