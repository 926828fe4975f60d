// The bounds of the journal in one place. Sizes are bytes, durations milliseconds.

/** A segment is full once it holds this much; a single group that is larger has a segment of its own. */
export const SEGMENT_BYTES = 64 * 1024 * 1024
/** The smallest segment that may be asked for. */
export const SEGMENT_BYTES_MIN = 512
/** One frame's payload: a chunk of the largest body, with its keys. */
export const FRAME_BYTES_MAX = 16 * 1024 * 1024
/** Frames that are written together, and synced by one call. */
export const GROUP_BYTES_MAX = 16 * 1024 * 1024
/** Payloads that may wait for the write that is under way. */
export const WAITING_BYTES_MAX = 256 * 1024 * 1024
/** What a reader asks the disk for at a time. */
export const READ_BYTES = 1024 * 1024
/** How often a writer looks at the disk for what is free and what the agent has removed. */
export const ROOM_LOOK_MS = 1_000
/** How often it looks while somebody waits for room. */
export const ROOM_WAIT_MS = 100
/** How soon a journal whose disk failed tries to open a new segment again. */
export const REOPEN_MS = 1_000
/** One harmless write for readiness serves all who ask within this time. */
export const PROBE_MS = 1_000
/** How often a writer, and the agent that holds a spool, say that they are there. */
export const HEARTBEAT_MS = 5_000
/** Who cannot be seen by process id and says nothing for this long is taken for dead. */
export const SILENCE_MS = 60_000
/** How often a tail that waits asks whether its writer is still there. */
export const LIVENESS_MS = 1_000
/** Kept aside in a spool, so that a full disk still lets the agent write what lets it delete. */
export const BALLAST_BYTES = 1024 * 1024
/** Attempts to take a lock for which somebody else was quicker. */
export const LOCK_ATTEMPTS_MAX = 10
/** Bytes of the small files that say who writes and who reads. */
export const MARK_BYTES_MAX = 1_024
