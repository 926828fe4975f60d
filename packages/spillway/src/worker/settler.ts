// Writes what became of chunks back to the store, many chunks in one commit. A call that fails is repeated for as long as the
// leases are held: repeating is safe, since a settlement that landed unnoticed makes the repeat stale and nothing else.

import { CHUNK_BYTES_MAX, type Settlement } from '../domain/index.js'
import { GroupCommit } from '../group-commit/index.js'
import type { Clock, Random, Store, Telemetry } from '../ports/index.js'
import { classify } from './classify.js'
import type { HeldChunk } from './held-chunk.js'
import type { Mark } from './progress.js'
import { storeBackoffMs } from './store-backoff.js'

/** Settle calls at once: one is being committed while the next gathers. */
const SETTLES_IN_FLIGHT_MAX = 2
/** Chunks of one settle call. */
const SETTLE_CHUNKS_MAX = 256

export interface SettlerOptions {
  readonly store: Pick<Store, 'settle'>
  readonly clock: Clock
  readonly random: Random
  readonly telemetry: Telemetry
  /** Aborts when the worker gives up on everything. */
  readonly ended: AbortSignal
}

type Failure = 'transient' | 'refused' | null

export class Settler {
  readonly #options: SettlerOptions
  readonly #commits: GroupCommit<HeldChunk>
  /** Chunks between being handed over and their answer, so that writes about one chunk never overtake each other. */
  readonly #taken = new Set<HeldChunk>()
  /** Of these, the ones about which there was more to say meanwhile. */
  readonly #again = new Set<HeldChunk>()

  constructor(options: SettlerOptions) {
    this.#options = options
    this.#commits = new GroupCommit({
      clock: options.clock,
      inFlightMax: SETTLES_IN_FLIGHT_MAX,
      itemsMax: SETTLE_CHUNKS_MAX,
      bytesMax: CHUNK_BYTES_MAX,
      flush: (chunks) => this.#flush(chunks),
      onError: (_, error) => options.telemetry.record({ event: 'fault', where: 'worker.settle', error }),
    })
  }

  /** Settles what is known of the chunk; completely, when nothing of it is open any more. */
  settle(chunk: HeldChunk): void {
    if (chunk.ended) return
    if (chunk.open === 0) chunk.settling = true
    if (this.#taken.has(chunk)) {
      this.#again.add(chunk)
      return
    }
    this.#taken.add(chunk)
    this.#commits.add(chunk, bytesOf(chunk))
  }

  async #flush(chunks: readonly HeldChunk[]): Promise<void> {
    await this.#writeUntilAnswered(chunks)
    for (const chunk of chunks) {
      this.#taken.delete(chunk)
      if (this.#again.delete(chunk)) this.settle(chunk)
    }
  }

  async #writeUntilAnswered(chunks: readonly HeldChunk[]): Promise<void> {
    const { clock, random, ended } = this.#options
    let groups: readonly (readonly HeldChunk[])[] = [chunks]
    for (let failures = 0; !ended.aborted; ) {
      groups = await this.#writeAll(groups, failures > 0)
      if (groups.length === 0) return
      failures += 1
      await clock.sleep(storeBackoffMs(failures, random), ended)
    }
  }

  /** Returns what has to be tried again. A group that the store refuses is tried chunk by chunk: one of them may be to blame. */
  async #writeAll(
    groups: readonly (readonly HeldChunk[])[],
    again: boolean,
  ): Promise<readonly (readonly HeldChunk[])[]> {
    const left: (readonly HeldChunk[])[] = []
    const now = this.#options.clock.monotonic()
    for (const [at, group] of groups.entries()) {
      const held = group.filter((chunk) => chunk.stillHeld(now))
      if (held.length === 0) continue
      const failure = await this.#write(held, again)
      if (failure === 'refused') left.push(...held.map((chunk) => [chunk]))
      if (failure === 'transient') return [...left, ...groups.slice(at)]
    }
    return left
  }

  async #write(chunks: readonly HeldChunk[], again: boolean): Promise<Failure> {
    const { store, telemetry } = this.#options
    const marks: Mark[] = []
    const settlements = chunks.map((chunk): Settlement => {
      const { updates, finished, appends, mark } = chunk.progress.pending()
      marks.push(mark)
      const complete = chunk.open === 0
      const settlement = { ...chunk.ref, updates, finished: complete ? [] : finished, complete }
      return appends.length === 0 ? settlement : { ...settlement, appends }
    })
    try {
      const verdicts = await store.settle(settlements)
      for (const [at, chunk] of chunks.entries()) {
        const { complete } = settlements[at] as Settlement
        if (verdicts[at] !== 'ok') this.#stale(chunk, complete, again)
        else if (complete) chunk.end('settled')
        else chunk.progress.kept(marks[at] as Mark)
      }
      return null
    } catch (error) {
      telemetry.record({ event: 'fault', where: 'worker.settle', error })
      return classify(error) === 'transient' ? 'transient' : 'refused'
    }
  }

  #stale(chunk: HeldChunk, complete: boolean, again: boolean): void {
    if (!complete || !again) {
      chunk.end('stale')
      return
    }
    // After a call of unknown outcome this most likely means that it landed: no lease was lost as far as anybody can tell.
    const details = { queue: chunk.lease.queue, chunkId: chunk.lease.chunkId }
    this.#options.telemetry.record({ event: 'lifecycle', what: 'worker.settle_landed_unseen', details })
    chunk.end('settled')
  }
}

/** Results, errors and callbacks are what can make a settlement large. */
function bytesOf(chunk: HeldChunk): number {
  const { updates, appends } = chunk.progress.pending()
  let bytes = 64
  for (const { result, error, memo } of updates) {
    const errorLength = error === null ? 0 : error.message.length + (error.stack?.length ?? 0)
    bytes += 64 + (result?.length ?? 0) + errorLength + (memo?.length ?? 0)
  }
  for (const { body } of appends) bytes += 64 + body.length
  return bytes
}
