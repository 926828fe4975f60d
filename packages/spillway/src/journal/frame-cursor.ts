// Walks through the segments of one writer, frame by frame, and judges what it finds where the readable bytes stop: the end so far of a
// living writer, a segment that was given up for the next one, the last write of a dead one, or damage. Numbers tell what is missing and
// what was written twice: a writer never gives one number to two commands, and says in every segment how many it had acknowledged before.

import type { Clock } from '../ports/index.js'
import type { Damage, DamageKind } from './damage.js'
import type { Frame, Position } from './frame.js'
import { SEGMENT_HEADER_BYTES } from './layout.js'
import { LIVENESS_MS } from './limits.js'
import type { SegmentPiece, StopReason } from './parse-frames.js'
import type { SegmentFolder } from './segment-folder.js'
import { ReadMemory, type SegmentReader } from './segment-reader.js'

export interface CursorOptions {
  readonly clock: Pick<Clock, 'monotonic'>
  /** False: how many commands were before the start is told by what is found there. */
  readonly isStartKnown: boolean
  /** How long unreadable bytes of a living writer stay its business while readable ones lie behind them. Default LIVENESS_MS. */
  readonly suspicionMs?: number
  readonly onDamage: (damage: Damage) => Promise<void> | void
}

/** `again`: it has learned something, ask again. `waiting`: nothing follows as long as the folder is its writer's. */
export type Step =
  | { readonly status: 'frames'; readonly frames: readonly Frame[] }
  | { readonly status: 'again' | 'waiting' | 'ended' }

const AGAIN: Step = { status: 'again' }
const WAITING: Step = { status: 'waiting' }
const ENDED: Step = { status: 'ended' }

/** Of one writer, the latest of them. */
const HOLES_MAX = 1_000

interface Range {
  readonly segment: number
  readonly from: number
  readonly to: number
}

export class FrameCursor {
  readonly #folder: SegmentFolder
  readonly #options: CursorOptions
  readonly #memory = new ReadMemory()
  #place: Position
  #isSeqKnown: boolean
  #reader: SegmentReader | null = null
  /** A later segment was seen: nothing is added to this one any more. */
  #complete = 0
  /** The end of a segment that could not be read: whether that matters is told by the next one. */
  #unread: Range | null = null
  /** Unreadable bytes of a living writer, since when. */
  #suspect: { readonly at: Position; readonly since: number } | null = null
  /** Numbers that could not be read: the one case in which what was written again comes late. */
  readonly #holes: { readonly from: number; readonly to: number }[] = []
  #isEnded = false

  constructor(folder: SegmentFolder, start: Position, options: CursorOptions) {
    this.#folder = folder
    this.#options = options
    this.#place = start
    this.#isSeqKnown = options.isStartKnown
  }

  /** Where reading goes on. */
  get place(): Position {
    return this.#place
  }

  get isEnded(): boolean {
    return this.#isEnded
  }

  async step(bytesMax: number): Promise<Step> {
    if (this.#isEnded) return ENDED
    this.#reader ??= await this.#folder.open(this.#place.segment, this.#memory)
    const reader = this.#reader
    if (reader === null) return this.#withoutSegment()
    const piece = await reader.read(this.#place.offset, bytesMax)
    const frames = await this.#take(piece)
    if (frames.length > 0) return { status: 'frames', frames }
    return piece.stop === 'more' ? AGAIN : this.#stopped(reader, piece.stop)
  }

  async close(): Promise<void> {
    await this.#reader?.close()
    this.#reader = null
  }

  async #take({ frames, end }: SegmentPiece): Promise<Frame[]> {
    const { segment } = this.#place
    const taken: Frame[] = []
    for (const { header, payload, offset, end: next } of frames) {
      const { seq, count, at } = header
      // Written again, to a new segment, after the first one had failed.
      if (seq + count <= this.#place.seq && !this.#isInHole(seq)) continue
      if (seq > this.#place.seq && this.#isSeqKnown)
        await this.#tell('missing', { segment, from: offset, to: offset }, seq - this.#place.seq)
      this.#isSeqKnown = true
      this.#place = { segment, offset: next, seq: Math.max(this.#place.seq, seq + count) }
      taken.push({ payload, count, at, end: this.#place })
    }
    this.#place = { ...this.#place, offset: end }
    return taken
  }

  /** The one that reading should go on in is not there: it was removed, or nothing was left behind yet. */
  async #withoutSegment(): Promise<Step> {
    const later = await this.#later()
    if (later !== undefined) return this.#enter(later)
    return this.#folder.isRetired ? this.#end() : WAITING
  }

  async #stopped(reader: SegmentReader, stop: StopReason): Promise<Step> {
    const later = await this.#later()
    if (later !== undefined) return this.#leave(reader, stop, later)
    if (stop === 'closed') return this.#end()
    if (this.#folder.isRetired) return this.#finish(reader, stop)
    if (stop === 'bad' && (await this.#skipIfCertain(reader))) return AGAIN
    return WAITING
  }

  /** On to the next segment, after a last look at what was added before that one was seen. */
  async #leave(reader: SegmentReader, stop: StopReason, later: number): Promise<Step> {
    if (stop !== 'rolled' && !this.#folder.isRetired && this.#complete !== reader.segment) {
      this.#complete = reader.segment
      return AGAIN
    }
    if (stop === 'bad' && (await this.#skipToGood(reader, await this.#safeSeqAfter()))) return AGAIN
    if (stop === 'bad' || stop === 'short') this.#unread = await this.#restOf(reader)
    return this.#enter(later)
  }

  async #enter(segment: number): Promise<Step> {
    const reader = await this.#folder.open(segment, this.#memory)
    if (reader === null) return AGAIN
    let read = await reader.header()
    if (read.status === 'short') {
      if (!this.#folder.isRetired && (await this.#later(segment)) === undefined) {
        await reader.close()
        return WAITING
      }
      // It has become whole since, or never will.
      read = await reader.header()
    }
    await this.close()
    this.#reader = reader
    this.#place = { ...this.#place, segment, offset: SEGMENT_HEADER_BYTES }
    if (read.status === 'good') await this.#compare(read.header.safeSeq, read.header.firstSeq)
    if (read.status === 'bad') await this.#headerIsBad(segment)
    return AGAIN
  }

  /** Acknowledged commands that were not read are missing; rejected ones may be. */
  async #compare(safeSeq: number, firstSeq: number): Promise<void> {
    const { segment, seq } = this.#place
    const unread = this.#unread
    if (this.#isSeqKnown && seq < safeSeq) {
      if (unread === null) await this.#tell('missing', { segment, from: 0, to: 0 }, safeSeq - seq)
      else await this.#tell('corrupt', unread, safeSeq - seq)
    }
    this.#unread = null
    this.#isSeqKnown = true
    this.#place = { ...this.#place, seq: Math.max(seq, firstSeq) }
  }

  async #headerIsBad(segment: number): Promise<void> {
    if (this.#unread !== null) await this.#tell('corrupt', this.#unread, null)
    this.#unread = null
    await this.#tell('corrupt', { segment, from: 0, to: SEGMENT_HEADER_BYTES }, null)
    this.#isSeqKnown = false
  }

  /** The last segment of a writer that cannot write any more. */
  async #finish(reader: SegmentReader, stop: StopReason): Promise<Step> {
    if (stop === 'bad' && (await this.#skipToGood(reader))) return AGAIN
    const rest = await this.#restOf(reader)
    if (stop === 'rolled') await this.#tell('missing', rest, null)
    if (stop === 'short' || (stop === 'bad' && rest.isZero)) await this.#tell('torn', rest, null)
    else if (stop === 'bad') await this.#tell('corrupt', rest, null)
    return this.#end()
  }

  /** A living writer may be in the middle of a write; what stays unreadable while more is written behind it is damaged. */
  async #skipIfCertain(reader: SegmentReader): Promise<boolean> {
    const now = this.#options.clock.monotonic()
    const { segment, offset } = this.#place
    const suspect = this.#suspect
    if (suspect === null || suspect.at.segment !== segment || suspect.at.offset !== offset) {
      this.#suspect = { at: this.#place, since: now }
      return false
    }
    if (now - suspect.since < (this.#options.suspicionMs ?? LIVENESS_MS)) return false
    this.#suspect = { at: this.#place, since: now }
    return this.#skipToGood(reader)
  }

  /** What has the number `seqMax`, and what follows it, was written again to a later segment, or rejected. */
  async #skipToGood(reader: SegmentReader, seqMax = Number.POSITIVE_INFINITY): Promise<boolean> {
    const { segment, offset, seq } = this.#place
    if (this.#isSeqKnown && seq >= seqMax) return false
    const { good, at } = await reader.findGood(offset + 1)
    if (good === null || good.seq >= seqMax) return false
    const commands = this.#isSeqKnown ? Math.max(0, good.seq - seq) : null
    await this.#tell('corrupt', { segment, from: offset, to: at }, commands)
    this.#holes.push({ from: seq, to: good.seq })
    if (this.#holes.length > HOLES_MAX) this.#holes.shift()
    this.#place = { segment, offset: at, seq: Math.max(seq, good.seq) }
    return true
  }

  /** How many commands were acknowledged before the segments that follow, if one of them says so. */
  async #safeSeqAfter(): Promise<number | undefined> {
    const segments = await this.#folder.segments()
    for (const segment of segments) {
      if (segment <= this.#place.segment) continue
      const reader = await this.#folder.open(segment, this.#memory)
      const read = await reader?.header()
      await reader?.close()
      if (read?.status === 'good') return read.header.safeSeq
    }
    return undefined
  }

  #isInHole(seq: number): boolean {
    return this.#holes.some(({ from, to }) => seq >= from && seq < to)
  }

  async #restOf(reader: SegmentReader): Promise<Range & { isZero: boolean }> {
    const { segment, offset } = this.#place
    const { at, isZero } = await reader.findGood(offset)
    return { segment, from: offset, to: at, isZero }
  }

  async #later(than: number = this.#place.segment): Promise<number | undefined> {
    return (await this.#folder.segments()).find((segment) => segment > than)
  }

  async #end(): Promise<Step> {
    if (this.#unread !== null) await this.#tell('corrupt', this.#unread, null)
    this.#unread = null
    this.#isEnded = true
    await this.close()
    return ENDED
  }

  async #tell(kind: DamageKind, { segment, from, to }: Range, commands: number | null): Promise<void> {
    const { writerId } = this.#folder
    await this.#options.onDamage({ kind, writerId, segment, from, to, commands })
  }
}
