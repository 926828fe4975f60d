// Contestants take turns, round after round, so that what else the machine does meets them all; the figure is the median.

import { mediansOf } from 'spillway-bench/median'

export interface Contestant<Figures> {
  readonly label: string
  run(): Promise<Figures>
}

export interface Result<Figures> {
  readonly label: string
  /** Null when no run counted. */
  readonly figures: Figures | null
  readonly runs: readonly Figures[]
  /** Why runs did not count. */
  readonly voids: readonly string[]
}

export async function takeTurns<Figures extends { readonly [Name in keyof Figures]: number }>(
  contestants: readonly Contestant<Figures>[],
  rounds: number,
  say: (text: string) => void,
): Promise<Result<Figures>[]> {
  const results = contestants.map(({ label }) => ({ label, runs: [] as Figures[], voids: [] as string[] }))
  for (let round = 1; round <= rounds; round++) {
    for (const [index, { label, run }] of contestants.entries()) {
      say(`round ${round} of ${rounds}: ${label}`)
      try {
        results[index]?.runs.push(await run())
      } catch (error) {
        results[index]?.voids.push(error instanceof Error ? error.message : String(error))
      }
    }
  }
  return results.map((result) => ({
    ...result,
    figures: result.runs.length === 0 ? null : mediansOf(result.runs),
  }))
}
