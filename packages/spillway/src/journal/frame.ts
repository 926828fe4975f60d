// What goes into a journal and what comes out of it: a frame holds one chunk in its envelope. The journal never looks inside.

export interface NewFrame {
  /** Commands in it, at least 1. */
  readonly count: number
  readonly payload: string | Uint8Array
}

/** A place in the journal of one writer: everything before it is left behind. */
export interface Position {
  readonly segment: number
  /** Bytes from the start of the segment. */
  readonly offset: number
  /** Commands of this writer before it: tells what is missing, and what is there twice. */
  readonly seq: number
}

export interface Frame {
  /** A view of a larger buffer that is nobody else's: stays valid as long as it is held. */
  readonly payload: Uint8Array
  readonly count: number
  /** When it was written, ms since the epoch by the writer's clock. */
  readonly at: number
  /** Where the next one begins: what to advance to once this one is in good hands. */
  readonly end: Position
}
