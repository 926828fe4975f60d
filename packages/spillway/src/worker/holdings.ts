// The chunks that one queue's worker holds, from the lease to its end: waiting for a handler call, kept alive, settled as soon
// as they are done, given back or lost.

import type { AnyCommand, ResolvedQueue } from '../config/index.js'
import type { Lease } from '../domain/index.js'
import { SpillwayError } from '../errors/index.js'
import type { Cancel } from '../ports/index.js'
import { Assembler, type MayBegin } from './assembler.js'
import type { ClaimedLease } from './claims/claim-source.js'
import type { End, HeldChunk } from './held-chunk.js'
import { holdLease } from './hold-lease.js'
import { LeaseKeeper } from './lease-keeper.js'
import { laneKindOf } from './queue-plan.js'
import type { WorkerContext } from './worker-context.js'

/** How long finished commands of an unfinished chunk may wait to be told, so that whoever waits for one is not kept by its neighbours. */
const TELL_AFTER_MS = 250

export class Holdings {
  readonly assembler: Assembler
  readonly keeper: LeaseKeeper
  readonly #context: WorkerContext
  readonly #definitions: ReadonlyMap<string, AnyCommand>
  readonly #onEnd: (chunk: HeldChunk) => void
  readonly #chunks = new Set<HeldChunk>()
  #closing = false
  #cancelTelling: Cancel | null = null

  constructor(
    context: WorkerContext,
    queue: ResolvedQueue,
    definitions: ReadonlyMap<string, AnyCommand>,
    mayBegin: MayBegin,
    onEnd: (chunk: HeldChunk) => void,
  ) {
    this.assembler = new Assembler(mayBegin)
    this.keeper = new LeaseKeeper({ ...context, leaseMs: queue.leaseMs, held: this.#chunks })
    this.#context = context
    this.#definitions = definitions
    this.#onEnd = onEnd
  }

  get size(): number {
    return this.#chunks.size
  }

  get closing(): boolean {
    return this.#closing
  }

  take(leases: readonly ClaimedLease[], deadline: number): void {
    for (const lease of leases) {
      const definition = this.#definitions.get(lease.type)
      if (definition === undefined) {
        this.#recordUnasked(lease)
        continue
      }
      const onEnd = (chunk: HeldChunk, end: End): void => this.#ended(chunk, end)
      const chunk = holdLease(this.#context, { lease, definition, deadline, onEnd })
      this.#chunks.add(chunk)
      this.assembler.add(chunk)
      if (!this.#closing || chunk.open === 0) this.tend(chunk)
    }
    if (this.#closing) this.close()
    else if (leases.length > 0) this.keeper.watch()
  }

  /** Does with the chunk what its progress asks for. */
  tend(chunk: HeldChunk): void {
    if (chunk.ended || chunk.settling || chunk.enclosed || chunk.leaving === 'released') return
    const { settler } = this.#context
    if (chunk.open === 0) settler.settle(chunk)
    else if ((this.#closing || chunk.returning) && chunk.calls.length === 0) this.release([chunk])
    else if (chunk.progress.isPending) {
      if (isWorthSettling(chunk)) settler.settle(chunk)
      else if (chunk.pace === 'together') this.#tellSoon()
    }
  }

  release(chunks: readonly HeldChunk[]): void {
    if (chunks.length === 0) return
    for (const chunk of chunks) chunk.leaving = 'released'
    void this.keeper.release(chunks)
  }

  /** Gives back what no handler has commands of, and the rest of what is held now as soon as that is so: of one type, or all. */
  giveBack(type?: string): void {
    const chunks = [...this.#chunks].filter(
      ({ leaving, settling, lease }) =>
        leaving === null && !settling && (type === undefined || lease.type === type),
    )
    for (const chunk of chunks) chunk.returning = true
    this.release(chunks.filter(({ calls, open }) => calls.length === 0 && open > 0))
  }

  /** Gives back every chunk that no handler has commands of, and from now on every other one as soon as that is so. */
  close(): void {
    this.#closing = true
    this.#cancelTelling?.()
    this.release([...this.#chunks].filter(isUntouched))
  }

  #tellSoon(): void {
    this.#cancelTelling ??= this.#context.clock.schedule(TELL_AFTER_MS, () => {
      this.#cancelTelling = null
      for (const chunk of this.#chunks) {
        if (chunk.progress.isPending && !chunk.enclosed && chunk.leaving !== 'released')
          this.#context.settler.settle(chunk)
      }
    })
  }

  #ended(chunk: HeldChunk, end: End): void {
    this.#chunks.delete(chunk)
    this.assembler.remove(chunk)
    if (end !== 'settled' && end !== 'released') {
      const { queue, type, chunkId } = chunk.lease
      this.#context.telemetry.record({ event: 'lease.lost', queue, type, chunkId, reason: end })
    }
    this.#onEnd(chunk)
  }

  /** Nothing of it is touched: another worker has the handler, and gets it when this lease expires. */
  #recordUnasked({ type, chunkId }: Lease): void {
    const message = `the store leased chunk ${chunkId} of type ${type}, which this worker did not ask for`
    this.#context.telemetry.record({
      event: 'fault',
      where: 'worker.claim',
      error: new SpillwayError('internal', message),
    })
  }
}

function isUntouched({ calls, settling, leaving }: HeldChunk): boolean {
  return calls.length === 0 && !settling && leaving !== 'released'
}

/** A slice is worth a settlement of its own; and without further heartbeats this is the last chance. */
function isWorthSettling({ leaving, pace, definition }: HeldChunk): boolean {
  return leaving !== null || (pace === 'together' && laneKindOf(definition) !== 'single')
}
