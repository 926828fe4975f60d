// What bounds an agent: its memory does not depend on the backlog, the number of writers or the size of the frames.

/** Bytes asked of a writer's folder at a time; a frame that is larger comes alone. */
export const READ_BYTES = 512 * 1024
/** Bytes of frames in memory, over all writers of all spools. */
export const AGENT_BYTES_MAX = 8 * 1024 * 1024
/** Frames of one writer that are read and not yet behind its checkpoint, and their bytes. */
export const WINDOW_FRAMES_MAX = 512
export const WINDOW_BYTES_MAX = 4 * 1024 * 1024
/** A checkpoint is written once this many frames ended, or this long after the first of them. */
export const CHECKPOINT_FRAMES = 256
export const CHECKPOINT_MS = 200
/** How often to look whether something was written or a writer came, where nothing was announced. */
export const POLL_MS = 100
/** How often to look for new writers. */
export const DISCOVER_MS = 500
/** How often what an agent has before it is measured. */
export const MEASURE_MS = 1_000
/** How often an agent that waits for a spool asks again. */
export const LOCK_RETRY_MS = 500
/** How long a frame waits for a worker of this process before it is left to any worker, through the store. */
export const OVERFLOW_AFTER_MS = 5_000
/** How long what is under way may take once an agent is told to stop. */
export const DRAIN_MS = 5_000
/** Characters of the reason that a frame was refused for. */
export const REASON_LENGTH_MAX = 500
