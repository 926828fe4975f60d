// Putting what a volatile channel could not execute into the store, under the command's own id, where retries and dead letters are
// handled like any other. Several at once share an append. If the store fails, it is asked again for a bounded time;
// sending the same chunk twice is harmless, so an unknown outcome needs no care here.

import {
  CHUNK_BYTES_MAX,
  CHUNK_COMMANDS_MAX,
  type ChunkDraft,
  encodeBody,
  type ParkedDraft,
  parseCommandId,
} from '../domain/index.js'
import { GroupCommit } from '../group-commit/index.js'
import type { ChannelContext } from './channel-context.js'
import type { HeldCommand } from './held-command.js'

export const PARK_TRIES_MAX = 8
const PARK_DELAY_MS = 50
const PARK_DELAY_MS_MAX = 5_000

interface ParkingItem {
  readonly drafts: readonly ChunkDraft[]
  readonly done: (parked: boolean) => void
}

export class Parking {
  readonly #context: ChannelContext
  readonly #commit: GroupCommit<ParkingItem>

  constructor(context: ChannelContext) {
    this.#context = context
    this.#commit = new GroupCommit({
      clock: context.clock,
      flush: (items) => this.#flush(items),
      onError: (items) => answer(items, false),
      inFlightMax: 1,
      itemsMax: CHUNK_COMMANDS_MAX,
      bytesMax: CHUNK_BYTES_MAX,
    })
  }

  /** Whether it is in the store now, with `more` in the same commit; false when the store failed for too long. Never rejects. */
  park(held: HeldCommand, parked: ParkedDraft, more: readonly ChunkDraft[] = []): Promise<boolean> {
    return this.store([draftOf(held, parked), ...more])
  }

  /** The same for chunks of any kind. */
  store(drafts: readonly ChunkDraft[]): Promise<boolean> {
    let bytes = 0
    for (const { body } of drafts) bytes += body.length
    return new Promise((done) => this.#commit.add({ drafts, done }, bytes))
  }

  async #flush(items: readonly ParkingItem[]): Promise<void> {
    const drafts = items.flatMap((item) => item.drafts)
    answer(items, await this.#append(drafts))
  }

  async #append(drafts: readonly ChunkDraft[]): Promise<boolean> {
    const { store, clock, telemetry, queue } = this.#context
    for (let tries = 1; ; tries += 1) {
      try {
        await store.append(drafts)
        return true
      } catch (error) {
        telemetry.record({ event: 'fault', where: `channel ${queue.name}: parking`, error })
        if (tries === PARK_TRIES_MAX) return false
        await clock.sleep(Math.min(PARK_DELAY_MS * 2 ** (tries - 1), PARK_DELAY_MS_MAX))
      }
    }
  }
}

function answer(items: readonly ParkingItem[], parked: boolean): void {
  for (const { done } of items) done(parked)
}

function draftOf({ id, type, queue, priority, json }: HeldCommand, parked: ParkedDraft): ChunkDraft {
  return {
    id: parseCommandId(id)?.chunkId ?? id,
    queue,
    type,
    priority,
    partition: null,
    codec: 'json',
    body: encodeBody([json]),
    size: 1,
    keys: null,
    parked: [parked],
  }
}
