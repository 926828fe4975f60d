// The circuit breakers of a queue's types. What is shared about them is read in one question, at most once per second, and
// only by who is about to claim.

import type { AnyCommand } from '../../config/index.js'
import type { BreakerPhase } from '../../domain/index.js'
import type { Clock, StoreShared, Telemetry } from '../../ports/index.js'
import { TypeBreaker } from './type-breaker.js'

export interface BreakerBoardOptions {
  readonly queue: string
  readonly definitions: ReadonlyMap<string, AnyCommand>
  readonly shared: Pick<StoreShared, 'read' | 'write'>
  readonly clock: Pick<Clock, 'now' | 'monotonic' | 'schedule'>
  readonly telemetry: Telemetry
  readonly onChange: (type: string, phase: BreakerPhase) => void
}

export class BreakerBoard {
  readonly #options: BreakerBoardOptions
  readonly #breakers = new Map<string, TypeBreaker>()

  constructor(options: BreakerBoardOptions) {
    this.#options = options
    for (const [type, { breaker: policy }] of options.definitions) {
      if (policy !== null) this.#breakers.set(type, new TypeBreaker({ ...options, type, policy }))
    }
  }

  get isEmpty(): boolean {
    return this.#breakers.size === 0
  }

  /** Null when the type has none. */
  of(type: string): TypeBreaker | null {
    return this.#breakers.get(type) ?? null
  }

  /** Never rejects. */
  async close(): Promise<void> {
    await Promise.all(Array.from(this.#breakers.values(), (breaker) => breaker.close()))
  }

  /** Learns what other processes shared, if that is not known well enough. A store that fails changes nothing. */
  async refresh(types: readonly string[]): Promise<void> {
    const { shared, telemetry } = this.#options
    const outdated = types.flatMap((type) => this.of(type) ?? []).filter(({ isOutdated }) => isOutdated)
    if (outdated.length === 0) return
    const askedAt = outdated.map(({ knownAt }) => knownAt)
    try {
      const { values, now } = await shared.read(outdated.map(({ key }) => key))
      for (const [at, breaker] of outdated.entries())
        if (breaker.knownAt === askedAt[at]) breaker.learn(values[at]?.value ?? null, now)
    } catch (error) {
      telemetry.record({ event: 'fault', where: 'worker.breaker', error })
    }
  }
}
