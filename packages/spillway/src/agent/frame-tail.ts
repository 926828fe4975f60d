// What a shipper needs of one writer's part of a journal; the journal's WriterTail is one.

export interface TailFrame<Place> {
  readonly payload: Uint8Array
  /** Commands, as its header says. */
  readonly count: number
  /** When it was written, ms since the epoch. */
  readonly at: number
  /** Where the next frame begins. */
  readonly end: Place
}

export interface TailRead<Place> {
  readonly frames: readonly TailFrame<Place>[]
  /** `waiting`: there is nothing more yet. `ended`: and there never will be, because the writer is gone. */
  readonly state: 'more' | 'waiting' | 'ended'
}

export interface TailBacklog {
  readonly bytes: number
  /** When the oldest frame behind the checkpoint was written, or null when there is none. */
  readonly oldestAt: number | null
}

export interface FrameTail<Place> {
  next(bytesMax: number): Promise<TailRead<Place>>
  /** Durable once it resolves; what lies before it may be gone then. */
  advance(to: Place): Promise<void>
  backlog(): Promise<TailBacklog> | TailBacklog
  /** Removes the writer's folder, once it has ended and its checkpoint is at the end. */
  remove(): Promise<void>
  close(): Promise<void>
}
