// What every section of the benchmark hands back: a table for people, the targets it was held against, and the figures.

import type { Scratch } from '../scratch.js'

export interface Target {
  readonly what: string
  readonly measured: string
  readonly wanted: string
  readonly met: boolean
}

export interface SectionResult {
  readonly title: string
  /** First row is the header. */
  readonly table: readonly (readonly string[])[]
  readonly targets: readonly Target[]
  /** For the JSON file. */
  readonly figures: unknown
}

export interface Bench {
  readonly quick: boolean
  readonly scratch: Scratch
  /** Says on stderr what is going on. */
  readonly say: (text: string) => void
}

export type Section = (bench: Bench) => Promise<SectionResult>

export function atLeast(what: string, measured: number, wanted: number, unit = 'x'): Target {
  return {
    what,
    measured: shown(measured, unit),
    wanted: `>= ${shown(wanted, unit)}`,
    met: measured >= wanted,
  }
}

export function atMost(what: string, measured: number, wanted: number, unit = 'x'): Target {
  return {
    what,
    measured: shown(measured, unit),
    wanted: `<= ${shown(wanted, unit)}`,
    met: measured <= wanted,
  }
}

function shown(value: number, unit: string): string {
  const text = value >= 1_000 ? Math.round(value).toLocaleString('en-US') : String(Number(value.toFixed(2)))
  return unit === 'x' ? `${text}x` : `${text} ${unit}`
}

export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

export function milliseconds(value: number): string {
  return value.toFixed(value < 10 ? 2 : 1)
}

export function times(ratio: number): string {
  return `${ratio.toFixed(2)}x`
}
