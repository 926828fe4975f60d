// Work that virtual time has to wait for: calls to a real database, which answer when they please. While something is
// outside, the instant in which it was begun goes on; an answer that never comes is an error and not a hung test.

import { systemClock } from '../runtime/index.js'

/** Ends a stay outside; calling it again changes nothing. */
export type Back = () => void

export class OutsideWork {
  readonly #deadlineMs: number
  readonly #away = new Map<object, string>()
  #allBack: (() => void) | null = null

  /** `deadlineMs`: how long all of it may take together, on the machine's clock. */
  constructor(deadlineMs: number) {
    this.#deadlineMs = deadlineMs
  }

  get isEmpty(): boolean {
    return this.#away.size === 0
  }

  leave(what: string): Back {
    const stay = {}
    this.#away.set(stay, what)
    return () => {
      if (!this.#away.delete(stay) || !this.isEmpty) return
      this.#allBack?.()
      this.#allBack = null
    }
  }

  /** Resolves once everything is back. Rejects, naming what is not, after the deadline. */
  async return(): Promise<void> {
    if (this.isEmpty) return
    let cancel = (): void => {}
    try {
      await new Promise<void>((resolve, reject) => {
        this.#allBack = resolve
        cancel = systemClock.schedule(this.#deadlineMs, () => reject(this.#overdue()))
      })
    } finally {
      cancel()
    }
  }

  #overdue(): Error {
    const names = [...new Set(this.#away.values())].join(', ')
    return new Error(
      `Virtual time waited ${this.#deadlineMs} ms for work outside it (${names}). Look for a lock that is never given back, or raise outsideMs.`,
    )
  }
}
