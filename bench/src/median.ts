// One run says little on a machine that does other things too: every figure is the median over interleaved rounds.

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? 0
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2
}

/** The median of every figure. */
export function mediansOf<Figures extends { readonly [Name in keyof Figures]: number }>(
  rounds: readonly Figures[],
): Figures {
  const names = Object.keys(rounds[0] ?? {}) as (keyof Figures)[]
  const entries = names.map((name) => [name, median(rounds.map((round) => round[name]))])
  return Object.fromEntries(entries) as Figures
}
