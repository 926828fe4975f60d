// Writes groups of frames, whatever the disk does. The first error ends a segment; the group then goes to a new one, numbered as before, and
// is given up only when that fails too. A folder that was taken away means that the agent took this process for dead: what was written since
// may or may not have been read, so it is written again under a new name. A number is never used for two different commands.

import { SpillwayError } from '../errors/index.js'
import type { Clock, Files, NewChunkId, ProcessMark, Telemetry } from '../ports/index.js'
import { isFull, journalFailed } from './disk-error.js'
import { GroupBuffer, type SizedFrame } from './group-buffer.js'
import { Incarnation } from './incarnation.js'
import { SEGMENT_HEADER_BYTES } from './layout.js'
import { REOPEN_MS } from './limits.js'
import { Room } from './room.js'
import type { SegmentWriter } from './segment-writer.js'

export interface GroupWriterOptions {
  readonly spool: string
  readonly level: 'written' | 'synced'
  readonly maxBytes: number
  readonly minFreeBytes: number
  readonly segmentBytes: number
  readonly files: Files
  readonly clock: Clock
  readonly mark: ProcessMark
  readonly newWriterId: NewChunkId
  readonly telemetry: Telemetry
}

/** Segments that one group is tried on. */
const ATTEMPTS_MAX = 3

type Attempt =
  | { readonly status: 'safe' }
  /** Worth another segment. */
  | { readonly status: 'failed'; readonly error: SpillwayError }
  | { readonly status: 'refused'; readonly error: SpillwayError }

export class GroupWriter {
  readonly room: Room
  readonly segmentBytes: number
  readonly #options: GroupWriterOptions
  readonly #buffer = new GroupBuffer()
  #incarnation: Incarnation | null = null
  #segment: SegmentWriter | null = null
  /** Commands of this incarnation that were acknowledged, and the number of the next one. */
  #safeSeq = 0
  #nextSeq = 0
  #failure: SpillwayError | null = null
  #reopenAt = Number.NEGATIVE_INFINITY
  #wroteAt = Number.NEGATIVE_INFINITY

  constructor(options: GroupWriterOptions) {
    this.#options = options
    this.segmentBytes = options.segmentBytes
    this.room = new Room(options)
  }

  get writerId(): string | null {
    return this.#incarnation?.writerId ?? null
  }

  get isFailing(): boolean {
    return this.#failure !== null
  }

  /** When a write succeeded last, by the monotonic clock. */
  get wroteAt(): number {
    return this.#wroteAt
  }

  /** Makes folder and segment ready. Throws like `write`. */
  async open(): Promise<void> {
    try {
      await this.#openSegment()
    } catch (error) {
      throw this.#failed(error, SEGMENT_HEADER_BYTES)
    }
    await this.room.refusal(SEGMENT_HEADER_BYTES)
  }

  /** Resolves once the frames are safe. Throws `journal_full` or `journal_failed`. */
  async write(frames: readonly SizedFrame[], bytes: number): Promise<void> {
    const refusal = await this.room.refusal(bytes)
    if (refusal !== null) throw refusal
    const { clock } = this.#options
    if (this.#failure !== null && clock.monotonic() < this.#reopenAt) throw this.#failure
    let last = await this.#attempt(frames, bytes)
    for (let tried = 1; last.status === 'failed' && tried < ATTEMPTS_MAX; tried += 1)
      last = await this.#attempt(frames, bytes)
    for (const { count } of frames) this.#nextSeq += count
    if (last.status !== 'safe') throw last.error
    this.#safeSeq = this.#nextSeq
    this.#failure = null
    this.#wroteAt = clock.monotonic()
  }

  async close(): Promise<void> {
    const segment = this.#segment
    this.room.close()
    this.#incarnation?.end()
    this.#segment = null
    if (segment === null) return
    await this.#seal(segment, 'closed')
  }

  async #attempt(frames: readonly SizedFrame[], bytes: number): Promise<Attempt> {
    try {
      const segment = await this.#segmentFor(bytes)
      const { offset, salt } = segment
      const place = { offset, salt, seq: this.#nextSeq, at: this.#options.clock.now() }
      await segment.write(this.#buffer.encode(frames, bytes, place))
      if (!(await this.#isSafe(segment))) return this.#fenced()
      segment.keep(bytes)
      this.room.grow(segment.segment, bytes)
      this.room.accepted()
      return { status: 'safe' }
    } catch (error) {
      await this.#abandonSegment()
      const failure = this.#failed(error, bytes)
      return { status: failure.code === 'journal_full' ? 'refused' : 'failed', error: failure }
    }
  }

  /** False when the folder is gone. It is looked at after the write: who took it away before that will read what was written. */
  async #isSafe(segment: SegmentWriter): Promise<boolean> {
    const { level } = this.#options
    const [present, synced] = await Promise.allSettled([
      (this.#incarnation as Incarnation).isThere(),
      level === 'synced' ? segment.sync() : null,
    ])
    if (synced.status === 'rejected') throw synced.reason
    if (present.status === 'rejected') throw present.reason
    return present.value
  }

  async #segmentFor(bytes: number): Promise<SegmentWriter> {
    const current = this.#segment
    if (current === null) return this.#openSegment()
    const { offset } = current
    if (offset === SEGMENT_HEADER_BYTES || offset + bytes <= this.segmentBytes) return current
    const next = await this.#openSegment()
    await this.#seal(current, 'rolled')
    return next
  }

  async #openSegment(): Promise<SegmentWriter> {
    const { clock } = this.#options
    this.#incarnation ??= await this.#beginIncarnation()
    const header = { createdAt: clock.now(), safeSeq: this.#safeSeq, firstSeq: this.#nextSeq }
    const segment = await this.#incarnation.openSegment(header)
    this.room.grow(segment.segment, SEGMENT_HEADER_BYTES)
    this.#segment = segment
    return segment
  }

  async #beginIncarnation(): Promise<Incarnation> {
    const incarnation = await Incarnation.begin(this.#options, this.#options.newWriterId())
    this.#safeSeq = 0
    this.#nextSeq = 0
    this.room.follow(incarnation.folder)
    return incarnation
  }

  /** Everything in it is safe; a reader also knows its end by what the next segment says. */
  async #seal(segment: SegmentWriter, kind: 'rolled' | 'closed'): Promise<void> {
    try {
      await segment.seal(kind, this.#nextSeq, this.#options.clock.now())
    } catch (error) {
      this.#tell(error)
    }
  }

  async #abandonSegment(): Promise<void> {
    const segment = this.#segment
    this.#segment = null
    if (segment !== null) await segment.abandon()
    // A folder that is gone cannot take another segment; asking may fail as well, and then the next attempt does.
    const incarnation = this.#incarnation
    if (incarnation === null) return
    const [present] = await Promise.allSettled([incarnation.isThere()])
    if (present.status === 'fulfilled' && !present.value) this.#leaveIncarnation(incarnation)
  }

  async #fenced(): Promise<Attempt> {
    await this.#abandonSegment()
    const error = new SpillwayError(
      'journal_failed',
      `The journal's folder in ${this.#options.spool} was taken away again and again. Check what removes it.`,
    )
    return { status: 'failed', error }
  }

  #leaveIncarnation(incarnation: Incarnation): void {
    const { telemetry } = this.#options
    incarnation.end()
    this.#incarnation = null
    const details = { writerId: incarnation.writerId }
    telemetry.record({ event: 'lifecycle', what: 'journal folder is gone, a new one is begun', details })
  }

  #failed(error: unknown, bytes: number): SpillwayError {
    if (isFull(error)) return this.room.refusedByDisk(bytes)
    const failure = journalFailed(`The journal in ${this.#options.spool} could not be written`, error)
    this.#failure = failure
    this.#reopenAt = this.#options.clock.monotonic() + REOPEN_MS
    this.#tell(failure)
    return failure
  }

  #tell(error: unknown): void {
    this.#options.telemetry.record({ event: 'fault', where: 'journal', error })
  }
}
