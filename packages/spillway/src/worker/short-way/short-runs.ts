// What of one queue takes the short way, and when: chunks that were delivered, and those of this process's own submits. Each call of it occupies
// a slot like any handler call. Delivered chunks gather while others are on their way, so that under load each commit has a full call's rows.

import { type ChunkDraft, decodeBody } from '../../domain/index.js'
import type { ShortVerdict, ShortWay } from '../../ports/index.js'
import type { Cargo, Deliveries } from '../deliveries/index.js'
import type { Shortcut } from './shortcut.js'

/** Of delivered chunks at once: while one waits for its commit, others are made and executed. */
const AT_ONCE_MAX = 4
/** How much of a call those fill that follow while others are on their way. */
const FULL_SHARE = 3 / 4

export interface ShortRunsOptions {
  readonly shortcut: Shortcut
  /** Null when the queue's chunks come from no broker. */
  readonly deliveries: Pick<Deliveries, 'loadShort' | 'endShort'> | null
  readonly hasSlot: () => boolean
  /** Takes the slot. */
  readonly onBegin: () => void
  /** Gives the slot back. `isStored` false: it has to go the long way. */
  readonly onEnd: (isStored: boolean) => void
}

export class ShortRuns implements ShortWay {
  readonly #options: ShortRunsOptions
  #delivered = 0

  constructor(options: ShortRunsOptions) {
    this.#options = options
  }

  mayDivide(type: string): boolean {
    const { shortcut } = this.#options
    return shortcut.callSize(type) > 0 && shortcut.isUnordered(type)
  }

  /** Sends delivered chunks on their way, as many as may go now. */
  fill(): void {
    const { deliveries, hasSlot } = this.#options
    while (deliveries !== null && hasSlot() && this.#delivered < AT_ONCE_MAX) {
      const cargos = deliveries.loadShort(this.#delivered === 0 ? 0 : FULL_SHARE)
      if (cargos === null) return
      if (cargos.length > 0) void deliveries.endShort(cargos, this.#takeDelivered(cargos))
    }
  }

  /** Chunks whose callers wait. */
  async take(drafts: readonly ChunkDraft[]): Promise<readonly ShortVerdict[]> {
    const verdicts = new Map<ChunkDraft, ShortVerdict>()
    const calls = this.#callsOf(drafts.filter((draft) => this.#maySettle(draft)))
    await Promise.all(
      calls.map(async (call) => {
        if (!this.#options.hasSlot()) return
        const verdict = await this.#store(call, payloadsOf(call), { isAwaited: true })
        for (const draft of call) verdicts.set(draft, verdict)
      }),
    )
    return drafts.map((draft) => verdicts.get(draft) ?? 'left')
  }

  async #takeDelivered(cargos: readonly Cargo[]): Promise<boolean> {
    const drafts = cargos.map(({ draft }) => draft)
    const payloads = cargos.length === 1 ? cargos[0]?.payloads : cargos.flatMap((cargo) => cargo.payloads)
    this.#delivered += 1
    return typeof (await this.#store(drafts, payloads ?? [], { isAwaited: false })) === 'number'
  }

  async #store(
    drafts: readonly ChunkDraft[],
    payloads: readonly unknown[],
    { isAwaited }: { readonly isAwaited: boolean },
  ): Promise<ShortVerdict> {
    const { shortcut, onBegin, onEnd } = this.#options
    onBegin()
    const verdict = await shortcut.take(drafts, payloads, { isAwaited })
    if (!isAwaited) this.#delivered -= 1
    onEnd(typeof verdict === 'number')
    return verdict
  }

  #maySettle({ type, size, partition, parked }: ChunkDraft): boolean {
    return partition === null && parked === null && size <= this.#options.shortcut.callSize(type)
  }

  /** Chunks of one type that follow each other go together as long as they fit. */
  #callsOf(drafts: readonly ChunkDraft[]): readonly (readonly ChunkDraft[])[] {
    const calls: ChunkDraft[][] = []
    let room = 0
    for (const draft of drafts) {
      const last = calls.at(-1)
      if (last !== undefined && last[0]?.type === draft.type && draft.size <= room) last.push(draft)
      else {
        calls.push([draft])
        room = this.#options.shortcut.callSize(draft.type)
      }
      room -= draft.size
    }
    return calls
  }
}

function payloadsOf(drafts: readonly ChunkDraft[]): readonly unknown[] {
  const [first] = drafts
  if (first !== undefined && drafts.length === 1) return decodeBody(first.body, first.size)
  return drafts.flatMap(({ body, size }) => decodeBody(body, size))
}
