// What every process on a store obeys about a queue, and how a change of it is read. Here and not in the stores, so that
// "unpausing clears the reason" is decided once.

import { PAUSE_REASON_MAX } from './limits.js'

/** A queue that nobody configured has the first of each. */
export interface QueueSettings {
  /** A paused queue accepts but is not claimed from. */
  readonly paused: boolean
  /** Why, when somebody or something said so; null when not paused. At most PAUSE_REASON_MAX characters. */
  readonly pauseReason: string | null
  /**
   * Chunks leased at once over all nodes, counting expired leases as free; null = no limit. It bounds claims: an expired
   * lease that its holder still prolongs counts again, even beyond the limit.
   */
  readonly leasesMax: number | null
}

export const DEFAULT_QUEUE_SETTINGS: QueueSettings = Object.freeze({
  paused: false,
  pauseReason: null,
  leasesMax: null,
})

/** Changes what is named and leaves the rest. */
export function changedSettings(before: QueueSettings, change: Partial<QueueSettings>): QueueSettings {
  const { paused, pauseReason, leasesMax } = { ...before, ...change }
  return { paused, pauseReason: paused && pauseReason !== null ? bounded(pauseReason) : null, leasesMax }
}

export function isDefaultSettings({ paused, leasesMax }: QueueSettings): boolean {
  return !paused && leasesMax === null
}

/** Without NUL, which some databases cannot store in a text. */
function bounded(reason: string): string {
  return reason.replaceAll('\0', '').slice(0, PAUSE_REASON_MAX)
}
