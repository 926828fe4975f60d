// How long ago something was, short enough for a column.

import { systemClock } from '../runtime/index.js'

/** `since` is ISO 8601. */
export function ago(since: string): string {
  const seconds = Math.max(0, Math.round((systemClock.now() - Date.parse(since)) / 1_000))
  if (seconds < 120) return `${seconds}s`
  return seconds < 7_200 ? `${Math.round(seconds / 60)}m` : `${Math.round(seconds / 3_600)}h`
}
