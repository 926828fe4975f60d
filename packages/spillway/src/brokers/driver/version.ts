// Versions of servers, as they name themselves: `7.0.15`, `2.10.25-beta.1`.

export function isAtLeast(version: string, wanted: readonly number[]): boolean {
  const found = version.split(/[.-]/).map(Number)
  for (const [place, number] of wanted.entries()) {
    const here = found[place] ?? 0
    if (here !== number) return here > number
  }
  return true
}
