// Numbers, durations and times as they are typed.

import { type Duration, durationMs } from '../config/index.js'
import { usageError } from './usage-error.js'

const PORT_MAX = 65_535

export function wholeNumber(name: string, text: string, min: number, max: number): number {
  const value = /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN
  if (value >= min && value <= max) return value
  throw usageError(`${name} takes a whole number from ${min} to ${max}; received '${text}'.`)
}

export function portNumber(name: string, text: string): number {
  return wholeNumber(name, text, 0, PORT_MAX)
}

/** '5s' and its like; a bare number is milliseconds. */
export function duration(name: string, text: string): number {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : (text as Duration)
  try {
    return durationMs(value, name)
  } catch {
    throw usageError(`${name} takes a duration such as 500ms, 20s, 5m, 2h or 1d; received '${text}'.`)
  }
}

/** ISO 8601 with a time zone, or ms since the epoch. */
export function time(name: string, text: string): number {
  const isIso = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(text)
  const ms = isIso ? Date.parse(text) : /^\d{10,16}$/.test(text) ? Number(text) : Number.NaN
  if (Number.isFinite(ms)) return ms
  throw usageError(
    `${name} takes a time such as 2030-01-31T08:00:00Z (with its zone), or ms since the epoch; received '${text}'.`,
  )
}
