// Every time of a driver's options is at least a millisecond: none is a deadline that is over before it begins.

import { configError, type Duration, durationMs } from '../../config/index.js'

/** Throws `invalid_config` that names `path`. */
export function positiveMs(value: Duration, path: string): number {
  const ms = durationMs(value, path)
  if (ms < 1) throw configError(path, 'at least 1 ms', value)
  return ms
}
