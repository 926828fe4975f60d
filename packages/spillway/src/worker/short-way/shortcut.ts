// The short way of commands that only become rows: their chunks are stored as settled together with the rows, in one commit instead of the three of
// an append, a claim and a settlement. It is there for types that `into()` handles and about which nothing more can be to say. Where it
// fails nothing has happened, and the chunks go the long way, which finds out why; so the short way stays closed for a while then.

import type { AnyCommand, ResolvedQueue } from '../../config/index.js'
import { type ChunkDraft, commandId } from '../../domain/index.js'
import { isUnknownOutcome } from '../../errors/index.js'
import {
  type Clock,
  type Executor,
  type SettledListener,
  type ShortVerdict,
  type Store,
  settledEvent,
} from '../../ports/index.js'

/** How long it is closed after a failure; twice as long after each further one in a row. */
const CLOSED_MS_MIN = 500
const CLOSED_MS_MAX = 30_000

/** What whoever waits for receipts lets an application's table cost them: for locks of others, and in all. */
const PATIENCE_LOCK_MS = 25
const PATIENCE_MS = 250

export interface ShortcutOptions {
  readonly store: Pick<Store, 'appendSettled' | 'capabilities'>
  readonly executor: Pick<Executor, 'landed'>
  readonly clock: Pick<Clock, 'monotonic'>
  readonly listener?: SettledListener
}

export class Shortcut {
  readonly #options: ShortcutOptions
  readonly #definitions: ReadonlyMap<string, AnyCommand>
  #failures = 0
  #closedUntil = Number.NEGATIVE_INFINITY

  constructor(options: ShortcutOptions, queue: ResolvedQueue, definitions: ReadonlyMap<string, AnyCommand>) {
    this.#options = options
    const short = isPlain(queue)
      ? [...definitions].filter(([, definition]) => onlyBecomesRows(definition))
      : []
    this.#definitions = new Map(short)
  }

  /** How many commands of the type may be given to `take` now; 0 = it is closed. */
  callSize(type: string): number {
    const { store, clock } = this.#options
    if (store.capabilities.transactionalSettle === 'none' || clock.monotonic() < this.#closedUntil) return 0
    return this.#definitions.get(type)?.batch.maxSize ?? 0
  }

  /** Whether rows of the type may be written in any order. */
  isUnordered(type: string): boolean {
    const { handler } = this.#definitions.get(type) ?? {}
    return handler?.kind === 'sink' && handler.sink.onConflict === 'ignore'
  }

  /**
   * Of one type, without partitions and parked commands; what became of all of them. Never rejects. `isAwaited`: somebody waits for the receipts.
   */
  async take(
    drafts: readonly ChunkDraft[],
    payloads: readonly unknown[],
    { isAwaited }: { readonly isAwaited: boolean },
  ): Promise<ShortVerdict> {
    const { clock } = this.#options
    const startedAt = clock.monotonic()
    const verdict = await this.#append(drafts, payloads, isAwaited)
    const durationMs = clock.monotonic() - startedAt
    if (typeof verdict !== 'number' || (isAwaited && durationMs > PATIENCE_MS)) this.#close()
    else this.#failures = 0
    if (typeof verdict === 'number') this.#tell(drafts, payloads, verdict, durationMs)
    return verdict
  }

  async #append(
    drafts: readonly ChunkDraft[],
    payloads: readonly unknown[],
    isAwaited: boolean,
  ): Promise<ShortVerdict> {
    const { handler } = this.#definitions.get(drafts[0]?.type ?? '') ?? {}
    if (handler?.kind !== 'sink') return 'left'
    const options = isAwaited ? { lockWaitMs: PATIENCE_LOCK_MS } : {}
    try {
      const rows = handler.sink.toBulkWrite(payloads)
      return (await this.#options.store.appendSettled(drafts, rows, options)) ?? 'left'
    } catch (error) {
      // The long way meets the same, and knows whom to blame for it.
      return isUnknownOutcome(error) ? 'doubtful' : 'left'
    }
  }

  /** Of several that fail at once, one counts. */
  #close(): void {
    if (this.#options.clock.monotonic() < this.#closedUntil) return
    const closedMs = Math.min(CLOSED_MS_MIN * 2 ** this.#failures, CLOSED_MS_MAX)
    this.#failures += 1
    this.#closedUntil = this.#options.clock.monotonic() + closedMs
  }

  #tell(
    drafts: readonly ChunkDraft[],
    payloads: readonly unknown[],
    acceptedAt: number,
    durationMs: number,
  ): void {
    const { executor, listener } = this.#options
    const { type, queue } = drafts[0] as ChunkDraft
    executor.landed(type, { commands: payloads.length, acceptedAt, durationMs, sample: payloads[0] })
    if (listener?.listening() !== true) return
    const ids = drafts.flatMap(({ id, size }) =>
      Array.from({ length: size }, (_, index) => commandId(id, index)),
    )
    listener.settled(ids.flatMap((id) => settledEvent({ id, attempt: 1 }, { queue, type }, null) ?? []))
  }
}

/** Nothing decides about its chunks but who comes first. */
function isPlain({ partitions, rateLimit, keyRateLimit, tenants, adaptive }: ResolvedQueue): boolean {
  return [partitions, rateLimit, keyRateLimit, tenants, adaptive].every((one) => one === null)
}

function onlyBecomesRows({ handler, callback, breaker, revalidate }: AnyCommand): boolean {
  return handler.kind === 'sink' && callback === null && breaker === null && !revalidate
}
