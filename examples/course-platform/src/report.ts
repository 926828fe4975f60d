// What the demo says: short, aligned, and only what was measured.

import type { CrashResult } from './crash-demo.js'
import type { MainJobResult } from './main-job.js'
import type { PatternResult } from './pattern-runs.js'
import type { Replay } from './replay.js'
import type { Verification } from './verify.js'

export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

function milliseconds(value: number): string {
  return value.toFixed(value < 10 ? 2 : 1)
}

export function replayTable(replays: readonly { readonly label: string; readonly replay: Replay }[]): string {
  const rows = replays.map(({ label, replay }) => [
    label,
    count(replay.sent),
    count(replay.duplicates),
    count(replay.sent / replay.seconds),
    milliseconds(replay.ack.p50Ms),
    milliseconds(replay.ack.p99Ms),
  ])
  return table([['Replay', 'sent', 'duplicates', 'acks/s', 'ack p50 ms', 'ack p99 ms'], ...rows])
}

export function patternTable(callers: number, results: readonly PatternResult[]): string {
  const rows = results.map((result) => [
    `${result.pattern.padEnd(7)} ${result.summary}`,
    count(result.acceptedPerSecond),
    count(result.landedPerSecond),
    milliseconds(result.ackP50Ms),
    milliseconds(result.ackP99Ms),
    `${count(result.lostWhenKilled)} of ${count(result.ackedBeforeKill)}`,
  ])
  const header = [
    `Patterns, ${count(callers)} callers`,
    'accepted/s',
    'landed/s',
    'ack p50 ms',
    'ack p99 ms',
    'lost when killed',
  ]
  return table([header, ...rows])
}

/** The one line that says whether it worked. */
export function verdictLine(sent: number, duplicates: number, verification: Verification): string {
  return `Verified row by row: ${verdict(sent, duplicates, verification)}.`
}

export function crashLine(sent: number, result: CrashResult): string {
  const kills = result.workerKills + result.intakeKills
  return `Verified row by row after ${kills} SIGKILLs: ${verdict(sent, result.duplicates, result)}.`
}

function verdict(sent: number, duplicates: number, verification: Verification): string {
  const { landed, lost, wrong, duplicateEffects, missingEffects } = verification
  const parts = [
    `${count(landed)} of ${count(sent)} clicks landed`,
    `${count(duplicates)} duplicates recognised`,
    `${count(lost)} lost`,
    `${count(duplicateEffects)} duplicate effects`,
  ]
  if (wrong > 0) parts.push(`${count(wrong)} wrong rows`)
  if (missingEffects > 0) parts.push(`${count(missingEffects)} missing effects`)
  return parts.join(', ')
}

/** The machine-readable last line. */
export function jobJson(result: MainJobResult): string {
  const { submitted, accepted, duplicates, landed, lost, duplicateEffects } = result
  const patterns = result.patterns.map(patternJson)
  return JSON.stringify({ submitted, accepted, duplicates, landed, lost, duplicateEffects, patterns })
}

export function crashJson(result: CrashResult): string {
  const { submitted, accepted, duplicates, landed, lost, duplicateEffects, workerKills, intakeKills } = result
  return JSON.stringify({
    submitted,
    accepted,
    duplicates,
    landed,
    lost,
    duplicateEffects,
    workerKills,
    intakeKills,
  })
}

function patternJson(result: PatternResult) {
  return {
    pattern: result.pattern,
    clicks: result.clicks,
    acceptedPerSecond: Math.round(result.acceptedPerSecond),
    landedPerSecond: Math.round(result.landedPerSecond),
    ackP50Ms: rounded(result.ackP50Ms),
    ackP99Ms: rounded(result.ackP99Ms),
    ackedBeforeKill: result.ackedBeforeKill,
    lostWhenKilled: result.lostWhenKilled,
  }
}

function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 1_000) / 1_000
}

/** First column to the left, numbers to the right. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join('  '),
    )
    .join('\n')
}
