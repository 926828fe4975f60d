// A destination with a memory of how it went: one line when it stops taking frames, one when it takes them again, and the answer to
// whoever asks whether the agent gets rid of what it has.

import type { Clock, Telemetry } from '../ports/index.js'
import type { Destination, ShipVerdict } from './destination.js'

export interface WatchedDestination extends Destination {
  /** Since when it has not taken what it was given, ms since the epoch; null when it does. */
  readonly failingSince: number | null
  /** What it said last, while it fails. */
  readonly lastError: unknown
}

export interface WatchOptions {
  readonly clock: Clock
  readonly telemetry: Telemetry
}

export function watchDestination(destination: Destination, options: WatchOptions): WatchedDestination {
  const { clock, telemetry } = options
  let failingSince: number | null = null
  let lastError: unknown
  const failed = (error: unknown): void => {
    lastError = error
    if (failingSince !== null) return
    failingSince = clock.now()
    telemetry.record({ event: 'fault', where: `agent: ${destination.name}`, error })
  }
  const succeeded = (): void => {
    if (failingSince === null) return
    const details = { seconds: Math.round((clock.now() - failingSince) / 1_000) }
    failingSince = null
    lastError = undefined
    telemetry.record({ event: 'lifecycle', what: `agent: ${destination.name} takes frames again`, details })
  }
  return {
    ...destination,
    get failingSince() {
      return failingSince
    },
    get lastError() {
      return lastError
    },
    async ship(frames) {
      const verdicts = await destination.ship(frames)
      const doubt = verdicts.find(isDoubt)
      if (doubt === undefined) succeeded()
      else failed(doubt.error)
      return verdicts
    },
  }
}

function isDoubt(verdict: ShipVerdict): verdict is Extract<ShipVerdict, { status: 'unknown' }> {
  return verdict.status === 'unknown'
}
