// A command's receipt is given once its chunk is in a local file, which needs neither the database nor a broker. While the journal has no
// room, commands wait for the agent to make some, for a limited time counted from when it became full, and are refused then.

import type { JournalSpec } from '../config/index.js'
import { type ChunkDraft, type Durability, ENVELOPE_CONTENT_TYPE, encodeEnvelope } from '../domain/index.js'
import { isSpillwayError, SpillwayError } from '../errors/index.js'
import { FRAME_BYTES_MAX } from '../journal/index.js'
import type { Clock } from '../ports/index.js'
import { CarriedKeeping } from './carried-keeping.js'
import type { Carrier, Parcel } from './carrier.js'
import type { ChannelContext, ChannelJournal } from './channel-context.js'
import { DurableChannel } from './durable-channel.js'

/** A file has one writer: what comes while a group is being synced is the next group. */
const APPENDS_IN_FLIGHT_MAX = 1

export function journalChannel(spec: JournalSpec, context: ChannelContext): DurableChannel {
  const { journal, clock, queue } = context
  if (journal === undefined)
    throw new SpillwayError('internal', `The journal of queue ${queue.name} was not opened.`)
  const carrier = new JournalCarrier(spec, journal, clock)
  return new DurableChannel(spec, context, new CarriedKeeping(carrier, context))
}

class JournalCarrier implements Carrier {
  readonly kind = 'journal'
  readonly name = 'the journal'
  readonly durability: Durability
  readonly inFlightMax = APPENDS_IN_FLIGHT_MAX
  readonly parcelCommandsMax = null
  readonly #spec: JournalSpec
  readonly #journal: ChannelJournal
  readonly #clock: Clock
  /** Until when appends wait for room, by the monotonic clock; null while there is some. */
  #fullUntil: number | null = null

  constructor(spec: JournalSpec, journal: ChannelJournal, clock: Clock) {
    this.#spec = spec
    this.#journal = journal
    this.#clock = clock
    this.durability = spec.level
  }

  parcelBytesMax(): number {
    return FRAME_BYTES_MAX
  }

  encode(draft: ChunkDraft): Parcel {
    return { draft, contentType: ENVELOPE_CONTENT_TYPE, body: Buffer.from(encodeEnvelope(draft)) }
  }

  async carry(parcels: readonly Parcel[]): Promise<readonly (SpillwayError | null)[]> {
    const frames = parcels.map(({ draft, body }) => ({ count: draft.size, payload: body }))
    for (;;) {
      try {
        await this.#journal.append(frames)
        this.#fullUntil = null
        return parcels.map(() => null)
      } catch (error) {
        if (isSpillwayError(error, 'journal_full') && (await this.#roomMade())) continue
        const reason = asJournalError(error)
        return parcels.map(() => reason)
      }
    }
  }

  /** Whether it is worth trying again. */
  async #roomMade(): Promise<boolean> {
    if (this.#spec.whenFull === 'abort') return false
    const now = this.#clock.monotonic()
    this.#fullUntil ??= now + this.#spec.blockTimeoutMs
    const leftMs = this.#fullUntil - now
    if (leftMs <= 0) return false
    const waiting = new AbortController()
    const isOver = Promise.race([
      this.#journal.room(waiting.signal).then(() => false),
      this.#clock.sleep(leftMs, waiting.signal).then(() => true),
    ])
    try {
      return !(await isOver)
    } finally {
      waiting.abort()
    }
  }
}

function asJournalError(error: unknown): SpillwayError {
  if (isSpillwayError(error)) return error
  return new SpillwayError(
    'journal_failed',
    'The journal failed, and the command was not acknowledged; submit it again with an idempotency key, which makes the repeat harmless.',
    { cause: error },
  )
}
