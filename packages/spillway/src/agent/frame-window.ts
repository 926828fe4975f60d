// The frames of one writer that are on their way, in the order of its file. They end in any order; the checkpoint may only pass over those
// before which everything has ended.

export interface WindowFrame<Place> {
  /** Where the next frame begins. */
  readonly end: Place
  readonly bytes: number
}

export interface Passed<Place> {
  /** Everything before it has ended. */
  readonly to: Place
  readonly frames: number
}

interface Entry<Place> {
  readonly frame: WindowFrame<Place>
  hasEnded: boolean
}

export class FrameWindow<Place> {
  /** In the order of the file, which is the order of insertion. */
  readonly #entries = new Map<WindowFrame<Place>, Entry<Place>>()
  #bytes = 0

  /** Frames that are not behind the checkpoint. */
  get frames(): number {
    return this.#entries.size
  }

  get bytes(): number {
    return this.#bytes
  }

  push(frame: WindowFrame<Place>): void {
    this.#entries.set(frame, { frame, hasEnded: false })
    this.#bytes += frame.bytes
  }

  /** Null while an earlier frame is still on its way. Ending a frame twice, or one that is not in the window, changes nothing. */
  end(frame: WindowFrame<Place>): Passed<Place> | null {
    const entry = this.#entries.get(frame)
    if (entry === undefined || entry.hasEnded) return null
    entry.hasEnded = true
    return this.#pass()
  }

  #pass(): Passed<Place> | null {
    let to: Place | null = null
    let frames = 0
    for (const { frame, hasEnded } of this.#entries.values()) {
      if (!hasEnded) break
      this.#entries.delete(frame)
      this.#bytes -= frame.bytes
      to = frame.end
      frames += 1
    }
    return to === null ? null : { to, frames }
  }
}
