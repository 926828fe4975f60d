// How long the call took that gave each command its outcome: the last one that it was part of.

interface Measured {
  readonly from: number
  readonly to: number
  readonly durationMs: number
}

export class Durations {
  readonly #measured: Measured[] = []

  add(from: number, to: number, durationMs: number): void {
    this.#measured.push({ from, to, durationMs })
  }

  /** Null when it was part of no call. */
  of(at: number): number | null {
    return this.#measured.findLast(({ from, to }) => from <= at && at < to)?.durationMs ?? null
  }
}
