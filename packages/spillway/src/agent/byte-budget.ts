// The memory that all writers of an agent share, handed out in the order it was asked for: a writer with a long backlog waits behind the
// others after every piece it reads.

export class ByteBudget {
  readonly #waiting: { readonly bytes: number; readonly grant: () => void }[] = []
  #free: number

  constructor(bytesMax: number) {
    this.#free = bytesMax
  }

  /** Resolves once so much is free, to false when the signal aborted before. What is asked for must not exceed the budget. */
  take(bytes: number, signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return Promise.resolve(false)
    if (this.#waiting.length === 0 && this.#free >= bytes) {
      this.#free -= bytes
      return Promise.resolve(true)
    }
    return new Promise((resolve) => {
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(asked), 1)
        resolve(false)
        this.#grant()
      }
      const asked = {
        bytes,
        grant: () => {
          signal.removeEventListener('abort', leave)
          resolve(true)
        },
      }
      this.#waiting.push(asked)
      signal.addEventListener('abort', leave, { once: true })
    })
  }

  /** A negative amount is taken without asking: a frame was larger than what was asked for. */
  give(bytes: number): void {
    this.#free += bytes
    this.#grant()
  }

  #grant(): void {
    for (
      let next = this.#waiting[0];
      next !== undefined && this.#free >= next.bytes;
      next = this.#waiting[0]
    ) {
      this.#waiting.shift()
      this.#free -= next.bytes
      next.grant()
    }
  }
}
