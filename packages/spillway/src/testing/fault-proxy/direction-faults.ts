// What befalls the bytes of one direction, over all connections of the proxy. Data that the pipes consult.

/** `reset` = the peers see ECONNRESET, `end` = they see the stream end in order. */
export type CutKind = 'reset' | 'end'

interface PlannedCut {
  bytesLeft: number
  readonly how: CutKind
  readonly onCut: () => void
}

/** How much of a chunk may pass, and what happens to its connection after that. */
export interface Passage {
  readonly bytes: number
  readonly cut: CutKind | null
}

export class DirectionFaults {
  delayMs = 0
  isPaused = false
  isSwallowed = false
  /** Bytes that were passed on. */
  passedBytes = 0
  #cut: PlannedCut | null = null

  planCut(afterBytes: number, how: CutKind, onCut: () => void): void {
    this.#cut = { bytesLeft: afterBytes, how, onCut }
  }

  /** Decides about the next `bytes` bytes. A planned cut happens once. */
  pass(bytes: number): Passage {
    const cut = this.#cut
    const passing = cut === null ? bytes : Math.min(bytes, cut.bytesLeft)
    this.passedBytes += passing
    if (cut === null) return { bytes: passing, cut: null }
    cut.bytesLeft -= passing
    if (cut.bytesLeft > 0) return { bytes: passing, cut: null }
    this.#cut = null
    cut.onCut()
    return { bytes: passing, cut: cut.how }
  }

  clear(): void {
    this.delayMs = 0
    this.isPaused = false
    this.isSwallowed = false
    this.passedBytes = 0
    this.#cut = null
  }
}
