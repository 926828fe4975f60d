// Sends the frames of one writer until each is in good hands: batches under way at once, the same frames again after a doubt, what nobody
// will ever take put aside. While one batch is in doubt no new one begins, so that what is late is not overtaken by more than was under way.

import type { Clock, Random } from '../ports/index.js'
import type { ShipVerdict } from './destination.js'
import { FrameWindow, type Passed } from './frame-window.js'
import { type Batch, Outbox, type OutgoingFrame } from './outbox.js'
import { shipBackoffMs } from './ship-backoff.js'
import { Signal } from './signal.js'

/** What became of frames. */
export type FrameOutcome = 'shipped' | 'resent' | 'refused'

export interface FrameSenderOptions<Place> {
  /** Everything before it has ended. Called in the order of the file. */
  readonly onPassed: (passed: Passed<Place>) => void
  /** The frame's payload is not needed any more. */
  readonly onEnded: (bytes: number) => void
  /** Keeps a frame that nobody takes; resolves once it is safe. */
  readonly keepAside: (frame: OutgoingFrame<Place>, reason: string) => Promise<void>
  readonly onOutcome: (outcome: FrameOutcome, frames: number, commands: number) => void
  readonly onFault: (error: unknown) => void
  readonly clock: Clock
  readonly random: Random
  /** Nothing new is begun once it aborts. */
  readonly stopping: AbortSignal
}

export class FrameSender<Place> {
  readonly #options: FrameSenderOptions<Place>
  readonly #window = new FrameWindow<Place>()
  readonly #outbox = new Outbox<Place>()
  readonly #changed = new Signal()
  #inDoubt = 0

  constructor(options: FrameSenderOptions<Place>) {
    this.#options = options
    options.stopping.addEventListener('abort', () => this.#stop(), { once: true })
  }

  get frames(): number {
    return this.#window.frames
  }

  get bytes(): number {
    return this.#window.bytes
  }

  /** Resolves when something has ended, or nothing will. */
  changed(): Promise<void> {
    return this.#changed.next()
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    while (this.#outbox.underWay > 0) await this.#changed.next()
  }

  /** In the order of the file. */
  send(frames: readonly OutgoingFrame<Place>[]): void {
    for (const frame of frames) {
      this.#window.push(frame.slot)
      this.#outbox.push(frame)
    }
    this.#fill()
  }

  #fill(): void {
    if (this.#inDoubt > 0 || this.#options.stopping.aborted) return
    for (let batch = this.#outbox.next(); batch !== null; batch = this.#outbox.next()) void this.#ship(batch)
  }

  async #ship(batch: Batch<Place>): Promise<void> {
    const { stopping } = this.#options
    const doubt = new Doubt()
    let left = batch.frames
    while (left.length > 0) {
      left = await this.#tryShip(batch, left, doubt)
      if (left.length === 0 || stopping.aborted) break
      await this.#pause(doubt)
      if (stopping.aborted) break
    }
    if (doubt.failures > 0) this.#inDoubt -= 1
    this.#outbox.ended(batch)
    this.#changed.fire()
    this.#fill()
  }

  /** The frames that have to be sent again. */
  async #tryShip(
    { destination }: Batch<Place>,
    frames: readonly OutgoingFrame<Place>[],
    doubt: Doubt,
  ): Promise<readonly OutgoingFrame<Place>[]> {
    const verdicts = await destination.ship(frames)
    const shipped = frames.filter((_, index) => verdicts[index]?.status === 'shipped')
    this.#end('shipped', shipped)
    for (const [index, frame] of frames.entries()) await this.#refuse(frame, verdicts[index], doubt)
    const again = frames.filter((_, index) => isInDoubt(verdicts[index]))
    if (again.length > 0) this.#options.onOutcome('resent', again.length, commandsOf(again))
    return again
  }

  async #refuse(frame: OutgoingFrame<Place>, verdict: ShipVerdict | undefined, doubt: Doubt): Promise<void> {
    if (verdict?.status !== 'refused') return
    const { keepAside, stopping, onFault } = this.#options
    while (!stopping.aborted) {
      try {
        await keepAside(frame, verdict.reason)
        return this.#end('refused', [frame])
      } catch (error) {
        onFault(error)
        await this.#pause(doubt)
      }
    }
  }

  #end(outcome: FrameOutcome, frames: readonly OutgoingFrame<Place>[]): void {
    if (frames.length === 0) return
    const { onPassed, onEnded, onOutcome } = this.#options
    for (const { slot } of frames) {
      const passed = this.#window.end(slot)
      if (passed !== null) onPassed(passed)
      onEnded(slot.bytes)
    }
    onOutcome(outcome, frames.length, commandsOf(frames))
    this.#changed.fire()
  }

  async #pause(doubt: Doubt): Promise<void> {
    const { clock, random, stopping } = this.#options
    if (doubt.failures === 0) this.#inDoubt += 1
    doubt.failures += 1
    await clock.sleep(shipBackoffMs(doubt.failures, random), stopping)
  }

  #stop(): void {
    for (const { slot } of this.#outbox.clear()) this.#options.onEnded(slot.bytes)
    this.#changed.fire()
  }
}

/** How often a batch did not arrive. */
class Doubt {
  failures = 0
}

function isInDoubt(verdict: ShipVerdict | undefined): boolean {
  return verdict === undefined || verdict.status === 'unknown'
}

function commandsOf(frames: readonly { readonly count: number }[]): number {
  return frames.reduce((sum, { count }) => sum + count, 0)
}
