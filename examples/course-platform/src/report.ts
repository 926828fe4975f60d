// What the demo says: short, aligned, and only what was measured.

import type { CrashResult } from './crash-demo.js'
import { type Loss, PARTS, type Part } from './kills.js'
import type { MainJobResult } from './main-job.js'
import type { Comparison, PatternResult } from './pattern-runs.js'
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

/** What a pattern does not have cannot be killed. */
const NO_SUCH_PART = 'n/a'

export function patternTable(
  { callers, kills }: { readonly callers: number; readonly kills: boolean },
  { results, missing }: Comparison,
): string {
  const parts: readonly Part[] = kills ? PARTS : ['app']
  const rows = results.map((result) => [
    labelOf(result),
    count(result.acceptedPerSecond),
    count(result.landedPerSecond),
    milliseconds(result.ackP50Ms),
    milliseconds(result.ackP99Ms),
    ...parts.map((part) => lossText(result.losses[part])),
  ])
  const header = [
    `Patterns, ${count(callers)} callers`,
    ...['accepted/s', 'landed/s', 'ack p50 ms', 'ack p99 ms'],
    ...parts.map((part, at) => (at === 0 ? `lost: ${part} killed` : `${part} killed`)),
  ]
  const lines = [table([header, ...rows]), ...missing.map((one) => `${labelOf(one)}: ${one.reason}`)]
  if (!kills) lines.push('What is lost when agent, broker or database are killed: --kills')
  return lines.join('\n')
}

function labelOf({ pattern, summary }: Pick<PatternResult, 'pattern' | 'summary'>): string {
  return `${pattern.padEnd(8)} ${summary}`
}

function lossText(loss: Loss | undefined): string {
  return loss === undefined ? NO_SUCH_PART : `${count(loss.lost)} of ${count(loss.answered)}`
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
  const { submitted, accepted, duplicates, landed, lost, duplicateEffects, comparison } = result
  const patterns = comparison.results.map(patternJson)
  const missing = comparison.missing.map(({ pattern, reason }) => ({ pattern, reason }))
  return JSON.stringify({
    ...{ submitted, accepted, duplicates, landed, lost, duplicateEffects },
    ...{ patterns, missing },
  })
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
    ackedBeforeKill: result.losses.app?.answered,
    lostWhenKilled: result.losses.app?.lost,
    losses: result.losses,
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
