// The agent: ships what the writers of its spools write, as long as it runs.

import type { Clock, Files, Processes, Random, Telemetry, WatchFolder } from '../ports/index.js'
import { ByteBudget } from './byte-budget.js'
import { AGENT_BYTES_MAX, DRAIN_MS, MEASURE_MS } from './limits.js'
import { type SpoolPlan, SpoolShipper, type SpoolState } from './spool-shipper.js'

export interface AgentOptions {
  readonly spools: readonly SpoolPlan[]
  readonly files: Files
  readonly processes: Processes
  readonly watch: WatchFolder
  readonly clock: Clock
  readonly random: Random
  readonly telemetry: Telemetry
  /** How long stop waits for what is under way. Default 5 s. */
  readonly drainMs?: number
}

export class Agent {
  readonly #options: AgentOptions
  readonly #spools: readonly SpoolShipper[]
  #cancelMeasure: (() => void) | null = null
  #states: readonly SpoolState[] = []
  #stopped: Promise<void> | null = null

  constructor(options: AgentOptions) {
    const budget = new ByteBudget(AGENT_BYTES_MAX)
    this.#options = options
    this.#spools = options.spools.map((plan) => new SpoolShipper({ ...options, plan, budget }))
  }

  /** Throws `state_conflict` when another agent has one of the spools and is not to be waited for. */
  async start(options: { readonly wait: boolean }): Promise<void> {
    try {
      for (const spool of this.#spools) await spool.start(options)
      await this.#measure()
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  /** As measured last. */
  get spools(): readonly SpoolState[] {
    return this.#states
  }

  /** Takes nothing more; resolves when what was under way has arrived or had its time. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async #stop(): Promise<void> {
    this.#cancelMeasure?.()
    const { drainMs = DRAIN_MS } = this.#options
    await Promise.all(this.#spools.map((spool) => spool.stop(drainMs)))
  }

  async #measure(): Promise<void> {
    const { clock, telemetry } = this.#options
    this.#states = await Promise.all(this.#spools.map((spool) => spool.state()))
    for (const state of this.#states) telemetry.record({ event: 'agent.measured', ...state })
    if (this.#stopped === null) this.#cancelMeasure = clock.schedule(MEASURE_MS, () => void this.#measure())
  }
}
