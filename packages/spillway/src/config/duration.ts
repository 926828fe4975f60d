// Durations and sizes as people write them: milliseconds or '5s', bytes or '64mb'.

import { SpillwayError } from '../errors/index.js'

export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`
export type Size = number | `${number}${'b' | 'kb' | 'mb' | 'gb'}`

const MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const BYTES = { b: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 } as const

/** Milliseconds; throws `invalid_config` that names `path`. */
export function durationMs(value: Duration, path: string): number {
  return amount(value, MS, path, "milliseconds or a text like '500ms', '20s', '5m', '2h', '1d'")
}

/** Bytes; throws `invalid_config` that names `path`. */
export function sizeBytes(value: Size, path: string): number {
  return amount(value, BYTES, path, "bytes or a text like '512kb', '64mb', '1gb'")
}

function amount(
  value: unknown,
  units: Readonly<Record<string, number>>,
  path: string,
  expected: string,
): number {
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value
  const match =
    typeof value === 'string' ? /^(\d+(?:\.\d+)?)\s*([a-z]+)$/.exec(value.trim().toLowerCase()) : null
  const unit = match === null ? undefined : units[match[2] as string]
  if (match === null || unit === undefined) throw configError(path, expected, value)
  return Math.round(Number(match[1]) * unit)
}

/** A configuration mistake: names the path, what was expected and what was received. */
export function configError(path: string, expected: string, received: unknown): SpillwayError {
  return new SpillwayError('invalid_config', `${path}: expected ${expected}, received ${show(received)}`, {
    details: { path, expected, received: show(received) },
  })
}

/** A url in the wrong place may have a password in it. */
const CREDENTIALS = /(:\/\/)[^"]*@/g

function show(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (typeof value === 'function') return 'a function'
  const json = typeof value === 'bigint' ? `${value}n` : JSON.stringify(value)
  const text = json.replace(CREDENTIALS, '$1***@')
  return text.length > 80 ? `${text.slice(0, 77)}...` : text
}
