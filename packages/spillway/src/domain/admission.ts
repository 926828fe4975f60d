// Whether a queue takes more: by how much waits in it, in commands and bytes, and for how long the oldest has waited. What
// is accepted will be processed, so a queue that cannot keep up has to say no while saying no is cheap, and when to come back.

const RETRY_AFTER_MS_MIN = 1_000
const RETRY_AFTER_MS_MAX = 60_000

/** Null = no limit; otherwise above 0. */
export interface AdmissionPolicy {
  /** Commands that wait. */
  readonly maxDepth: number | null
  readonly maxBytes: number | null
  readonly maxAgeMs: number | null
}

export const ADMIT_ALL: AdmissionPolicy = Object.freeze({ maxDepth: null, maxBytes: null, maxAgeMs: null })

/** What waits in a queue, ready to run; commands that are scheduled or parked for later are no load yet. */
export interface QueueLoad {
  readonly depth: number
  readonly bytes: number
  /** How long the oldest of them has waited; 0 when nothing waits. */
  readonly oldestAgeMs: number
}

export interface Refusal {
  readonly reason: 'depth' | 'bytes' | 'age'
  /** RETRY_AFTER_MS_MIN to RETRY_AFTER_MS_MAX. */
  readonly retryAfterMs: number
}

export type AdmissionVerdict = 'ok' | Refusal

/** Of several limits that are reached, the one that will take longest is named. `drainPerSecond` is what the workers finish at present. */
export function admit(load: QueueLoad, policy: AdmissionPolicy, drainPerSecond: number): AdmissionVerdict {
  const refusals = [
    refusal('depth', load.depth, policy.maxDepth, load, drainPerSecond),
    refusal('bytes', load.bytes, policy.maxBytes, load, drainPerSecond),
    refusal('age', load.oldestAgeMs, policy.maxAgeMs, load, drainPerSecond),
  ].filter((one) => one !== null)
  const [first, ...others] = refusals
  if (first === undefined) return 'ok'
  return others.reduce((longest, one) => (one.retryAfterMs > longest.retryAfterMs ? one : longest), first)
}

/**
 * Commands in line are taken to be alike and to have come evenly, so that of `value` too much by a tenth, a tenth of the line must go; and
 * of a limit that is just reached, one command.
 */
function refusal(
  reason: Refusal['reason'],
  value: number,
  max: number | null,
  { depth }: QueueLoad,
  drainPerSecond: number,
): Refusal | null {
  if (max === null || value < max) return null
  const surplus = Math.max(1, (depth * (value - max)) / value)
  // Infinite where nothing finishes; the upper bound is the answer then.
  const drainedInMs = Math.ceil((surplus * 1_000) / drainPerSecond)
  return { reason, retryAfterMs: Math.min(Math.max(drainedInMs, RETRY_AFTER_MS_MIN), RETRY_AFTER_MS_MAX) }
}
