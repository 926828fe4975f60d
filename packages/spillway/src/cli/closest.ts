// "Did you mean ...?" for mistyped names.

/** Edits that still count as a typing mistake. */
const EDITS_MAX = 2

/** The candidate that is nearest to what was typed, if one is near at all. */
function closest(typed: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined
  let bestEdits = EDITS_MAX + 1
  for (const candidate of candidates) {
    const edits = editDistance(typed, candidate)
    if (edits < bestEdits && edits < candidate.length) {
      best = candidate
      bestEdits = edits
    }
  }
  return best
}

/** A question for the end of a message, or nothing. */
export function didYouMean(typed: string, candidates: Iterable<string>): string {
  const candidate = closest(typed, candidates)
  return candidate === undefined ? '' : ` Did you mean ${candidate}?`
}

/** Levenshtein distance, one row at a time. */
function editDistance(from: string, to: string): number {
  if (Math.abs(from.length - to.length) > EDITS_MAX) return EDITS_MAX + 1
  let row = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (let i = 1; i <= from.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= to.length; j += 1) {
      const replaced = (row[j - 1] as number) + (from[i - 1] === to[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    row = next
  }
  return row[to.length] as number
}
