// Waiting for commands to finish. However many callers wait, there is one read of the store at a time, in bulk; a settle of
// this process triggers it at once, everything else (another process, a retry) is found by polling.

import { isTerminal, parseCommandId } from '../domain/index.js'
import type { Cancel, Clock, CommandView } from '../ports/index.js'

const POLL_MS = 50
/** Ids read in one call. */
const READ_IDS_MAX = 500

export type ReadCommands = (
  ids: readonly string[],
  options?: { readonly payload?: boolean },
) => Promise<readonly (CommandView | null)[]>

export interface WaitOptions {
  readonly signal?: AbortSignal | undefined
  /** Read the payload as well. */
  readonly payload?: boolean | undefined
}

interface Waiter {
  readonly id: string
  readonly done: (view: CommandView | null) => void
}

export class OutcomeWatch {
  readonly #read: ReadCommands
  readonly #clock: Clock
  readonly #waiters = new Map<string, Set<Waiter>>()
  #cancelPoll: Cancel | null = null
  #hinted = new Set<string>()
  #hintScheduled = false

  constructor(read: ReadCommands, clock: Clock) {
    this.#read = read
    this.#clock = clock
  }

  /** The view once it is terminal; the latest view, not terminal, when `waitMs` passed or `signal` aborted; null when it vanished. */
  async wait(
    id: string,
    waitMs: number,
    { signal, payload = false }: WaitOptions = {},
  ): Promise<CommandView | null> {
    const now = await this.#readOne(id, payload)
    if (now === null || isTerminal(now.state) || waitMs <= 0 || signal?.aborted === true) return now
    const finished = await this.#finished(id, waitMs, signal)
    // Waiting reads many commands at once, and without their payloads.
    return finished === undefined || (payload && finished !== null) ? this.#readOne(id, payload) : finished
  }

  /** Chunks that this process has settled. */
  settled(chunkIds: readonly string[]): void {
    if (this.#waiters.size === 0) return
    for (const chunkId of chunkIds) this.#hinted.add(chunkId)
    if (this.#hintScheduled) return
    this.#hintScheduled = true
    this.#clock.defer(() => {
      this.#hintScheduled = false
      const hinted = this.#hinted
      this.#hinted = new Set()
      const ids = [...this.#waiters.keys()].filter((id) => hinted.has(parseCommandId(id)?.chunkId ?? ''))
      void this.#check(ids)
    })
  }

  async #readOne(id: string, payload: boolean): Promise<CommandView | null> {
    const [view = null] = await this.#read([id], { payload })
    return view
  }

  #finished(id: string, waitMs: number, signal?: AbortSignal): Promise<CommandView | null | undefined> {
    return new Promise((resolve) => {
      const waiters = this.#waiters.get(id) ?? new Set()
      const finish = (view: CommandView | null | undefined): void => {
        cancelTimeout()
        signal?.removeEventListener('abort', giveUp)
        waiters.delete(waiter)
        if (waiters.size === 0 && this.#waiters.get(id) === waiters) this.#waiters.delete(id)
        resolve(view)
      }
      const giveUp = (): void => finish(undefined)
      const waiter: Waiter = { id, done: finish }
      const cancelTimeout = this.#clock.schedule(waitMs, giveUp)
      signal?.addEventListener('abort', giveUp)
      waiters.add(waiter)
      this.#waiters.set(id, waiters)
      this.#startPolling()
    })
  }

  #startPolling(): void {
    this.#cancelPoll ??= this.#clock.schedule(POLL_MS, () => {
      void this.#check([...this.#waiters.keys()]).then(() => {
        this.#cancelPoll = null
        if (this.#waiters.size > 0) this.#startPolling()
      })
    })
  }

  /** A store that cannot be read now is asked again at the next poll; the caller's own timeout bounds the wait. */
  async #check(ids: readonly string[]): Promise<void> {
    for (let start = 0; start < ids.length; start += READ_IDS_MAX) {
      const slice = ids.slice(start, start + READ_IDS_MAX)
      const views = await this.#read(slice).catch(() => null)
      if (views === null) return
      for (const [index, id] of slice.entries()) {
        const view = views[index] ?? null
        if (view !== null && !isTerminal(view.state)) continue
        for (const waiter of this.#waiters.get(id) ?? []) waiter.done(view)
      }
    }
  }
}
