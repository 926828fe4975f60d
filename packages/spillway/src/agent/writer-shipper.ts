// Takes what one writer wrote to where it belongs: reads ahead as far as memory allows, sends, and moves the checkpoint behind what has
// arrived. When the writer is gone and all of it has, its folder goes too.

import { readAddress } from '../domain/index.js'
import type { Clock, Random } from '../ports/index.js'
import type { ByteBudget } from './byte-budget.js'
import { Checkpointer } from './checkpointer.js'
import type { Destination } from './destination.js'
import { type FrameOutcome, FrameSender } from './frame-sender.js'
import type { FrameTail, TailBacklog, TailFrame, TailRead } from './frame-tail.js'
import { POLL_MS, READ_BYTES, WINDOW_BYTES_MAX, WINDOW_FRAMES_MAX } from './limits.js'
import type { OutgoingFrame } from './outbox.js'
import { shipBackoffMs } from './ship-backoff.js'
import { Signal } from './signal.js'

export interface RefusedFrame {
  readonly payload: Uint8Array
  readonly count: number
  readonly writtenAt: number
  readonly reason: string
}

export interface WriterShipperOptions<Place> {
  readonly tail: FrameTail<Place>
  /** Where a queue's frames go. */
  readonly route: (queue: string) => Destination
  /** Keeps a frame that nobody takes, durably. May be asked twice for the same frame. */
  readonly keepAside: (frame: RefusedFrame) => Promise<void>
  readonly onOutcome: (outcome: FrameOutcome, frames: number, commands: number) => void
  readonly onFault: (error: unknown) => void
  readonly budget: ByteBudget
  readonly clock: Clock
  readonly random: Random
}

export class WriterShipper<Place> {
  readonly #options: WriterShipperOptions<Place>
  readonly #sender: FrameSender<Place>
  readonly #checkpointer: Checkpointer<Place>
  readonly #stopping = new AbortController()
  readonly #news = new Signal()
  #hasNews = false
  #isClosed = false
  #running: Promise<'gone' | 'stopped'> | null = null

  constructor(options: WriterShipperOptions<Place>) {
    const { tail, budget } = options
    this.#options = options
    this.#checkpointer = new Checkpointer({ ...options, advance: (to) => tail.advance(to) })
    this.#sender = new FrameSender<Place>({
      ...options,
      stopping: this.#stopping.signal,
      onPassed: (passed) => {
        if (!this.#isClosed) this.#checkpointer.note(passed)
      },
      onEnded: (bytes) => budget.give(bytes),
      keepAside: (frame, reason) => options.keepAside(refusedFrame(frame, reason)),
    })
  }

  /** Something may have been written. */
  announce(): void {
    this.#hasNews = true
    this.#news.fire()
  }

  backlog(): Promise<TailBacklog> | TailBacklog {
    return this.#options.tail.backlog()
  }

  /** Resolves when the writer is gone and nothing of it is left, or once stop was called. */
  run(): Promise<'gone' | 'stopped'> {
    this.#running ??= this.#run()
    return this.#running
  }
  /** Reads and sends nothing more, waits for what is under way, and leaves the checkpoint behind everything that has arrived. */
  async stop(drainMs: number): Promise<void> {
    const { clock, tail } = this.#options
    this.#stopping.abort()
    this.#news.fire()
    await this.#running?.catch(() => {})
    const late = new AbortController()
    await Promise.race([this.#sender.settled(), clock.sleep(drainMs, late.signal)])
    late.abort()
    if (!this.#isClosed) await this.#checkpointer.flush()
    this.#isClosed = true
    await tail.close()
  }

  /** Somebody else ships it from now on: nothing is written here any more. */
  abandon(): void {
    this.#isClosed = true
    this.#checkpointer.drop()
    this.#stopping.abort()
    this.#news.fire()
  }

  async #run(): Promise<'gone' | 'stopped'> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      await this.#untilRoom()
      const state = await this.#readOn()
      if (state === 'ended' && (await this.#finish())) return 'gone'
      if (state === 'waiting') await this.#untilNews()
    }
    return 'stopped'
  }

  async #untilRoom(): Promise<void> {
    const { signal } = this.#stopping
    const sender = this.#sender
    while (!signal.aborted && (sender.frames >= WINDOW_FRAMES_MAX || sender.bytes >= WINDOW_BYTES_MAX))
      await sender.changed()
  }

  async #untilNews(): Promise<void> {
    if (!this.#hasNews && !this.#stopping.signal.aborted)
      await this.#news.within(POLL_MS, this.#options.clock)
  }

  /** Null when nothing could be read. */
  async #readOn(): Promise<TailRead<Place>['state'] | null> {
    const { budget, clock, random, onFault } = this.#options
    const { signal } = this.#stopping
    for (let failures = 1; await budget.take(READ_BYTES, signal); failures += 1) {
      this.#hasNews = false
      try {
        const { frames, state } = await this.#options.tail.next(READ_BYTES)
        budget.give(READ_BYTES - frames.reduce((sum, { payload }) => sum + payload.byteLength, 0))
        this.#sender.send(frames.map((frame) => this.#outgoing(frame)))
        return frames.length > 0 && state === 'waiting' ? 'more' : state
      } catch (error) {
        budget.give(READ_BYTES)
        onFault(error)
        await clock.sleep(shipBackoffMs(failures, random), signal)
      }
    }
    return null
  }

  #outgoing({ payload, count, at, end }: TailFrame<Place>): OutgoingFrame<Place> {
    const frame = { payload, count, writtenAt: at, slot: { end, bytes: payload.byteLength } }
    try {
      const address = readAddress(payload)
      return { ...frame, address, destination: this.#options.route(address.queue) }
    } catch (error) {
      // Without an address it has only one way to go: aside.
      const reason = error instanceof Error ? error.message : 'it could not be read'
      return { ...frame, address: NOWHERE, destination: unreadable(reason) }
    }
  }

  /** Whether everything has arrived and the folder is gone. */
  async #finish(): Promise<boolean> {
    const { tail, onFault, clock, random } = this.#options
    const { signal } = this.#stopping
    while (!signal.aborted && this.#sender.frames > 0) await this.#sender.changed()
    for (let failures = 1; !signal.aborted; failures += 1) {
      try {
        if (await this.#checkpointer.flush()) {
          await tail.remove()
          this.#isClosed = true
          return true
        }
      } catch (error) {
        onFault(error)
      }
      await clock.sleep(shipBackoffMs(failures, random), signal)
    }
    return false
  }
}

const NOWHERE = { id: '', queue: '', type: '', partition: null, size: 0 }

function unreadable(reason: string): Destination {
  return {
    name: 'nowhere',
    ...{ batchFramesMax: 1, batchBytesMax: 0, batchesMax: 1, orderKeptBy: 'calls' },
    ship: async (frames) => frames.map(() => ({ status: 'refused', reason })),
  }
}

function refusedFrame(
  { payload, count, writtenAt }: { payload: Uint8Array; count: number; writtenAt: number },
  reason: string,
): RefusedFrame {
  return { payload, count, writtenAt, reason }
}
