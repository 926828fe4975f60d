// Everything that holds one queue's worker back, put together from what the queue and its types ask for. What they do not ask for
// is not there, and costs nothing.

import type { AnyCommand, ResolvedQueue } from '../../config/index.js'
import type { BreakerPhase } from '../../domain/index.js'
import type { Clock, EndedCall, ReadPressure, Store, Telemetry } from '../../ports/index.js'
import { AgingClaims } from '../claims/aging-claims.js'
import { BreakerClaims } from '../claims/breaker-claims.js'
import type { ClaimSource, ComeBack } from '../claims/claim-source.js'
import { KeyRateClaims } from '../claims/key-rate-claims.js'
import { RateClaims } from '../claims/rate-claims.js'
import { TenantClaims } from '../claims/tenant-claims.js'
import { BreakerBoard } from './breaker-board.js'
import { type CallLimit, callLimitOf } from './call-limit.js'
import { KeyRates } from './key-rates.js'
import { QueueRate } from './queue-rate.js'

export interface QueueLimitsOptions {
  readonly store: Pick<Store, 'claim' | 'readyTenants' | 'shared'>
  readonly clock: Clock
  readonly telemetry: Telemetry
  readonly readPressure?: ReadPressure | undefined
  /** Calls under way, and commands that could start at once if there were room. */
  readonly active: () => number
  readonly queued: () => number
  /** Where claims of these types end up; absent = the store. */
  readonly sourceOf?: (types: readonly string[], comeBack: ComeBack) => ClaimSource
  readonly onBreakerChange: (type: string, phase: BreakerPhase) => void
}

export type CallWatch = (call: EndedCall) => void

export class QueueLimits {
  readonly calls: CallLimit
  readonly #options: QueueLimitsOptions
  readonly #queue: ResolvedQueue
  readonly #definitions: ReadonlyMap<string, AnyCommand>
  readonly #rate: QueueRate | null
  readonly #keyRates: KeyRates | null
  readonly #board: BreakerBoard | null

  constructor(
    options: QueueLimitsOptions,
    queue: ResolvedQueue,
    definitions: ReadonlyMap<string, AnyCommand>,
  ) {
    const { rateLimit, keyRateLimit } = queue
    const shared = { ...options, shared: options.store.shared, queue: queue.name }
    const board = new BreakerBoard({ ...shared, definitions, onChange: options.onBreakerChange })
    this.#options = options
    this.#queue = queue
    this.#definitions = definitions
    this.#rate = rateLimit === null ? null : new QueueRate({ ...shared, rate: rateLimit })
    this.#keyRates = keyRateLimit === null ? null : new KeyRates({ ...shared, rate: keyRateLimit })
    this.#board = board.isEmpty ? null : board
    this.calls = callLimitOf({ ...options, queue })
  }

  /** Where a lane claims from. What takes the fewest commands away for nothing comes first. */
  claimsOf(types: readonly string[], comeBack: ComeBack): ClaimSource {
    const { store, clock, telemetry, sourceOf } = this.#options
    let source: ClaimSource = new AgingClaims(sourceOf?.(types, comeBack) ?? store)
    const { name: queue, tenants: weights } = this.#queue
    if (weights !== null) source = new TenantClaims({ source, store, weights, comeBack })
    if (this.#keyRates !== null)
      source = new KeyRateClaims({
        source,
        telemetry,
        queue,
        rates: this.#keyRates,
        definitions: this.#definitions,
      })
    if (this.#rate !== null) source = new RateClaims({ source, rate: this.#rate, clock, comeBack })
    const board = this.#board
    return board !== null && types.some((type) => board.of(type) !== null)
      ? new BreakerClaims({ source, board, comeBack })
      : source
  }

  /** Whether calls of the type may begin. */
  mayBegin(type: string): boolean {
    return this.#board?.of(type)?.mayBegin() ?? true
  }

  /** A handler call of the type begins; null when nobody wants to know how it ends. */
  begin(type: string): CallWatch | null {
    const breaker = this.#board?.of(type) ?? null
    const told = this.calls.begin()
    if (breaker === null) return told
    const isProbe = breaker.begin()
    return (call) => {
      told?.(call)
      breaker.note(call.outcome === 'ok' ? 'ok' : 'failed', isProbe)
    }
  }

  /** Never rejects. */
  async close(): Promise<void> {
    await Promise.all([this.#rate?.close(), this.#board?.close()])
  }
}
