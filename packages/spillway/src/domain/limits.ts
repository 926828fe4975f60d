// Every bound of Spillway in one place. A limit without a name is a limit nobody can find when it is hit.
// Sizes are bytes of UTF-8 text, durations are milliseconds.

/** Commands in one chunk, for batch handlers. */
export const CHUNK_COMMANDS_MAX = 1_000
/** Bytes of one chunk's body. */
export const CHUNK_BYTES_MAX = 8 * 1024 * 1024
/** Bytes of one command's payload as JSON. */
export const COMMAND_BYTES_MAX = 1024 * 1024
/** Characters of an idempotency key or an ordering key. */
export const KEY_LENGTH_MAX = 255
/** Characters of a queue or command name. */
export const NAME_LENGTH_MAX = 100
/** Priorities run from -PRIORITY_ABS_MAX to PRIORITY_ABS_MAX; higher runs first. */
export const PRIORITY_ABS_MAX = 100
/** Partitions of an ordered queue when the queue names no number. */
export const PARTITIONS_DEFAULT = 64
/** Partitions of an ordered queue at most. */
export const PARTITIONS_MAX = 65_536
/** Commands and bytes that may wait for a durable channel before the rejection policy applies. */
export const INTAKE_ITEMS_MAX = 100_000
export const INTAKE_BYTES_MAX = 64 * 1024 * 1024
/** Characters of an error message or a stack kept with a command. */
export const ERROR_MESSAGE_MAX = 1_000
export const ERROR_STACK_MAX = 4_000
/** Attempts kept in a parked command's history; older ones are dropped first. */
export const HISTORY_MAX = 20
/** Bytes of a handler's result kept with a command as JSON. */
export const RESULT_BYTES_MAX = 64 * 1024
/** Characters of the reason for which a queue is paused. */
export const PAUSE_REASON_MAX = 500
/** The largest limit of chunks that a queue leases at once. */
export const QUEUE_LEASES_MAX = 1_000_000
/** Rows of one page of a listing. */
export const PAGE_ROWS_MAX = 500
/** Executions that one failing batch may cost while the bad commands are searched for. */
export const BISECT_EXECUTIONS_MAX = 256
/** A chunk whose lease expired this often is run one command at a time. */
export const CRASHES_BEFORE_ISOLATION = 2
/** Longest delay, and longest distance of runAt, that is accepted: ten years. */
export const DELAY_MS_MAX = 10 * 365 * 86_400_000
/** A node that was silent for this many times its time to live is forgotten. */
export const NODE_SILENCES_MAX = 10
/** How far the wall clocks of the store and of the processes that use it may be apart: hosts that keep time by NTP stay far below. */
export const CLOCK_SKEW_MS_MAX = 5_000
/** Characters of a completion token that a handler names itself: what cannot be guessed is long. */
export const TOKEN_LENGTH_MIN = 16
export const TOKEN_LENGTH_MAX = 512
/** Bytes of a command's memo: what its stages leave for each other. */
export const MEMO_BYTES_MAX = 16 * 1024
/** Bytes of what the steps of one command recorded, as JSON, and how many there may be. */
export const STEPS_BYTES_MAX = 256 * 1024
export const STEPS_MAX = 100
/** Commands of one call of a verb on many: cancel, redrive, discard. */
export const VERB_COMMANDS_MAX = 500
/** Characters of an audit row's actor, reason and target. */
export const AUDIT_TEXT_MAX = 500
/** Bytes of a value that processes share through the store. */
export const SHARED_BYTES_MAX = 512 * 1024
/** Characters of a tenant's name. */
export const TENANT_LENGTH_MAX = 100
/** Every so many claims of a queue the oldest chunks go first, whatever their priority: what bounds starving. */
export const OLDEST_FIRST_EVERY = 8
/** Prefix of the queues, commands and shared values that are Spillway's own. */
export const RESERVED_PREFIX = 'spillway.'
