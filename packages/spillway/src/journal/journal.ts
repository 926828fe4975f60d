// The writing side of the journal: a local file that commands are safe in before anything else has to be up. Appends that come while a
// write is under way are written together by the next one, so that a sync is shared by more the busier it gets. An append is answered
// only when its frames are where the level says and the folder is still this writer's.

import { SpillwayError } from '../errors/index.js'
import type { Clock, Files, NewChunkId, Processes, Telemetry } from '../ports/index.js'
import { keepBallast } from './ballast.js'
import { isUnusable, journalFailed } from './disk-error.js'
import { makeDurableFolder } from './durable-folder.js'
import type { NewFrame } from './frame.js'
import type { SizedFrame } from './group-buffer.js'
import { GroupWriter } from './group-writer.js'
import { FRAME_HEADER_BYTES, SEGMENT_HEADER_BYTES } from './layout.js'
import {
  FRAME_BYTES_MAX,
  GROUP_BYTES_MAX,
  PROBE_MS,
  SEGMENT_BYTES,
  SEGMENT_BYTES_MIN,
  WAITING_BYTES_MAX,
} from './limits.js'

export interface JournalOptions {
  /** The spool: shared by any number of processes, made when it does not exist. */
  readonly folder: string
  /** When an append resolves: once the operating system has the frames, or once the disk has. */
  readonly level: 'written' | 'synced'
  /** Bytes that the segments of this writer may hold on disk. */
  readonly maxBytes: number
  /** Bytes of the disk that stay free. */
  readonly minFreeBytes: number
  /** Default 64 MiB. */
  readonly segmentBytes?: number
  readonly files: Files
  readonly processes: Processes
  readonly clock: Clock
  /** Names the writer: a new one at every start. */
  readonly newWriterId: NewChunkId
  readonly telemetry: Telemetry
}

export interface JournalState {
  /** Null as long as no folder could be made. */
  readonly writerId: string | null
  /** Bytes of this writer's segments that are still there. */
  readonly bytes: number
  /** Bytes that are free on the disk, or null before the first look. */
  readonly freeBytes: number | null
  /** The disk failed and no segment could be opened since: nothing is taken. */
  readonly failing: boolean
  /** As much as allowed is there, or the disk is nearly full: nothing is taken. */
  readonly full: boolean
}

interface Append {
  readonly frames: readonly SizedFrame[]
  /** With the frames' headers. */
  readonly bytes: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

const PROBE: SizedFrame = { kind: 'probe', count: 0, payload: '', payloadBytes: 0 }

export class Journal {
  readonly #writer: GroupWriter
  readonly #clock: Clock
  #queue: Append[] = []
  #waitingBytes = 0
  #running: Promise<void> | null = null
  #closed = false
  #probe: Promise<void> | null = null
  #probedAt = Number.NEGATIVE_INFINITY

  private constructor(options: JournalOptions, writer: GroupWriter) {
    this.#writer = writer
    this.#clock = options.clock
  }

  /** Throws `journal_failed` when the folder cannot be used at all. A full or failing disk is no reason not to start: appends say so. */
  static async open(options: JournalOptions): Promise<Journal> {
    const { segmentBytes = SEGMENT_BYTES, folder, files, processes } = options
    if (
      !Number.isSafeInteger(segmentBytes) ||
      segmentBytes < SEGMENT_BYTES_MIN ||
      segmentBytes > SEGMENT_BYTES
    )
      throw new SpillwayError(
        'invalid_argument',
        `segmentBytes must be a whole number from ${SEGMENT_BYTES_MIN} to ${SEGMENT_BYTES}.`,
      )
    const writer = new GroupWriter({ ...options, segmentBytes, spool: folder, mark: await processes.self() })
    try {
      await makeDurableFolder(files, folder)
      await writer.open()
    } catch (error) {
      const cause = error instanceof SpillwayError ? error.cause : error
      if (isUnusable(cause)) throw journalFailed(`The journal's folder ${folder} cannot be used`, cause)
    }
    await keepBallast(files, folder)
    return new Journal(options, writer)
  }

  /**
   * Resolves once all frames are as safe as the level says; appends that come together share one write and one sync, in the order of
   * the calls. Rejects with `journal_full`, `journal_failed`, `queue_full` (too much waits) or `closed`; frames of a rejected append may
   * still reach a reader, as with any write whose outcome is unknown.
   */
  append(frames: readonly NewFrame[]): Promise<void> {
    if (frames.length === 0) return Promise.resolve()
    const sized: SizedFrame[] = []
    let bytes = 0
    for (const { count, payload } of frames) {
      const payloadBytes = typeof payload === 'string' ? Buffer.byteLength(payload) : payload.length
      if (payloadBytes > FRAME_BYTES_MAX) return Promise.reject(tooLarge(payloadBytes))
      if (!Number.isSafeInteger(count) || count < 1) return Promise.reject(badCount(count))
      sized.push({ kind: 'chunk', count, payload, payloadBytes })
      bytes += FRAME_HEADER_BYTES + payloadBytes
    }
    return this.#add(sized, bytes)
  }

  state(): JournalState {
    const { writerId, isFailing, room } = this.#writer
    return {
      writerId,
      failing: isFailing,
      bytes: room.bytes,
      freeBytes: room.freeBytes,
      full: room.isFull,
    }
  }

  /** The same after a look at the disk, if the last one is a while ago: an agent removes what it has shipped. */
  async measure(): Promise<JournalState> {
    await this.#writer.room.refresh()
    return this.state()
  }

  /** Resolves once there is room again (at once when there is), when the signal aborts or on close; never rejects. */
  room(signal?: AbortSignal): Promise<void> {
    return this.#writer.room.wait(signal)
  }

  /** Writes something harmless as safely as the level says: throws when the journal cannot take commands now. */
  async probe(): Promise<void> {
    const refusal = await this.#writer.room.lastRefusal()
    if (refusal !== null) throw refusal
    const now = this.#clock.monotonic()
    if (!this.#writer.isFailing && now - this.#writer.wroteAt < PROBE_MS) return
    if (this.#probe === null || now - this.#probedAt >= PROBE_MS) {
      this.#probedAt = now
      this.#probe = this.#add([PROBE], FRAME_HEADER_BYTES)
    }
    await this.#probe
  }

  /** What was appended before is answered; then the last segment is sealed. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#running
    await this.#writer.close()
  }

  #add(frames: readonly SizedFrame[], bytes: number): Promise<void> {
    if (this.#closed)
      return Promise.reject(new SpillwayError('closed', 'The journal is closed and takes nothing more.'))
    if (this.#waitingBytes + bytes > WAITING_BYTES_MAX) return Promise.reject(tooMuchWaits())
    return new Promise((resolve, reject) => {
      this.#queue.push({ frames, bytes, resolve, reject })
      this.#waitingBytes += bytes
      this.#running ??= this.#run()
    })
  }

  /** One write at a time until nothing waits. */
  async #run(): Promise<void> {
    // What is appended by the promise jobs of this moment goes along.
    await null
    while (this.#queue.length > 0) {
      const group = this.#takeGroup()
      const bytes = sumBytes(group)
      try {
        await this.#writer.write(framesOf(group), bytes)
        for (const { resolve } of group) resolve()
      } catch (error) {
        for (const { reject } of group) reject(error)
      }
      this.#waitingBytes -= bytes
    }
    this.#running = null
  }

  /** As many as a group, and a segment, may hold, and at least one. */
  #takeGroup(): Append[] {
    const bytesMax = Math.min(GROUP_BYTES_MAX, this.#writer.segmentBytes - SEGMENT_HEADER_BYTES)
    let bytes = 0
    let count = 0
    for (const append of this.#queue) {
      bytes += append.bytes
      if (count > 0 && bytes > bytesMax) break
      count += 1
    }
    return this.#queue.splice(0, count)
  }
}

function framesOf(group: readonly Append[]): readonly SizedFrame[] {
  const first = group[0] as Append
  return group.length === 1 ? first.frames : group.flatMap(({ frames }) => frames)
}

function sumBytes(group: readonly Append[]): number {
  let sum = 0
  for (const { bytes } of group) sum += bytes
  return sum
}

function tooLarge(bytes: number): SpillwayError {
  return new SpillwayError(
    'payload_too_large',
    `A frame of the journal holds at most ${FRAME_BYTES_MAX} bytes. Send fewer commands at once.`,
    { details: { bytes, bytesMax: FRAME_BYTES_MAX } },
  )
}

function badCount(count: number): SpillwayError {
  return new SpillwayError('invalid_argument', 'A frame of the journal holds at least one command.', {
    details: { count },
  })
}

function tooMuchWaits(): SpillwayError {
  return new SpillwayError(
    'queue_full',
    `More than ${WAITING_BYTES_MAX} bytes wait for the journal's disk. Try again later.`,
  )
}
