// Says no to commands while their queue has more than it may, or while their tenant sends faster than it may: at once,
// without a question to the store, and with when to come back.

import type { ResolvedAdmission } from '../config/index.js'
import { type AdmissionVerdict, admit, type Refusal, type TokenBucket, takeTokens } from '../domain/index.js'
import { SpillwayError } from '../errors/index.js'
import type { Clock, PreparedCommand, Telemetry } from '../ports/index.js'
import type { QueueLoads } from './queue-loads.js'

/** Tenants whose rate is remembered; the one that was quiet for longest is forgotten, with a full bucket. */
const RATED_TENANTS_MAX = 10_000

export interface LoadControlOptions {
  readonly queue: string
  readonly admission: ResolvedAdmission
  readonly loads: QueueLoads
  readonly clock: Clock
  readonly telemetry: Telemetry
}

export class LoadControl {
  readonly #options: LoadControlOptions
  readonly #buckets = new Map<string, TokenBucket>()

  constructor(options: LoadControlOptions) {
    this.#options = options
  }

  /** The error to refuse these commands with, all of them, or null: then they count as waiting. */
  refusalOf(commands: readonly PreparedCommand[]): SpillwayError | null {
    const { queue, loads } = this.#options
    const verdict = this.#verdict()
    if (verdict !== 'ok') return this.#overloaded(verdict, commands.length)
    const tenantRefusal = this.#overQuota(commands)
    if (tenantRefusal !== null) return tenantRefusal
    loads.noteAdded(
      queue,
      commands.length,
      commands.reduce((sum, { bytes }) => sum + bytes, 0),
    )
    return null
  }

  /** The store is not asked for what nobody wants to know. */
  #verdict(): AdmissionVerdict {
    const { queue, admission, loads } = this.#options
    if (admission.maxDepth === null && admission.maxBytes === null && admission.maxAgeMs === null) return 'ok'
    const { load, drainPerSecond } = loads.loadOf(queue)
    return admit(load, admission, drainPerSecond)
  }

  #overloaded({ reason, retryAfterMs }: Refusal, count: number): SpillwayError {
    const { queue, telemetry } = this.#options
    telemetry.record({ event: 'admission.refused', queue, reason, count })
    return new SpillwayError(
      'queue_full',
      `Queue ${queue} takes no more at present: ${WORDS[reason]}. Try again in ${Math.ceil(retryAfterMs / 1_000)} s.`,
      { details: { queue, reason, retryAfterMs } },
    )
  }

  #overQuota(commands: readonly PreparedCommand[]): SpillwayError | null {
    const { queue, admission, clock, telemetry } = this.#options
    const rate = admission.perTenant
    if (rate === null) return null
    const now = clock.now()
    const after = new Map<string, TokenBucket>()
    for (const [tenant, count] of countsOf(commands)) {
      const { bucket, granted, retryAfterMs } = takeTokens(
        this.#buckets.get(tenant) ?? null,
        rate,
        count,
        now,
      )
      if (granted < count) {
        telemetry.record({ event: 'admission.refused', queue, reason: 'tenant', count: commands.length })
        return new SpillwayError(
          'quota_exceeded',
          `This tenant may submit ${rate.limit} commands per ${rate.perMs} ms to queue ${queue}. Try again in ${retryAfterMs} ms.`,
          { details: { queue, reason: 'tenant', retryAfterMs } },
        )
      }
      after.set(tenant, bucket)
    }
    for (const [tenant, bucket] of after) this.#remember(tenant, bucket)
    return null
  }

  #remember(tenant: string, bucket: TokenBucket): void {
    this.#buckets.delete(tenant)
    this.#buckets.set(tenant, bucket)
    if (this.#buckets.size <= RATED_TENANTS_MAX) return
    const [oldest] = this.#buckets.keys()
    if (oldest !== undefined) this.#buckets.delete(oldest)
  }
}

const WORDS = {
  depth: 'too many commands wait in it',
  bytes: 'too many bytes wait in it',
  age: 'its oldest command has waited for too long',
} as const

function countsOf(commands: readonly PreparedCommand[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { tenant } of commands) counts.set(tenant ?? '', (counts.get(tenant ?? '') ?? 0) + 1)
  return counts
}
