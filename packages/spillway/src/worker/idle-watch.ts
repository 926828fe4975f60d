// Answers those who wait until a queue's worker has nothing to do. Because work may arrive at any moment, "nothing" means: a
// claim that began after the question found nothing, and everything claimed before is done.

interface Idler {
  /** Number of the first claim that began after the question. */
  claim: number
  readonly resolve: () => void
}

export class IdleWatch {
  #idlers: Idler[] = []
  #claims = 0
  #lastEmpty = 0
  #closed = false

  get isWatched(): boolean {
    return this.#idlers.length > 0
  }

  /** `claiming`: a claim is on the way that began before this question. */
  wait(claiming: boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#idlers.push({ claim: this.#claims + (claiming ? 2 : 1), resolve })
    })
  }

  /** A claim ended; null = it failed. */
  claimed(chunks: number | null): void {
    this.#claims += 1
    if (chunks === 0) this.#lastEmpty = this.#claims
  }

  /** What was claimed has ended and made way for more: an empty claim of before proves nothing any more. */
  madeWay(claiming: boolean): void {
    for (const idler of this.#idlers) idler.claim = Math.max(idler.claim, this.#claims + (claiming ? 2 : 1))
  }

  /** From now on having nothing to do is enough. */
  close(): void {
    this.#closed = true
  }

  /** To be called whenever there may be nothing left to do. */
  nothingHeld(): void {
    const isAnswered = ({ claim }: Idler): boolean => this.#closed || claim <= this.#lastEmpty
    const answered = this.#idlers.filter(isAnswered)
    this.#idlers = this.#idlers.filter((idler) => !isAnswered(idler))
    for (const { resolve } of answered) resolve()
  }
}
