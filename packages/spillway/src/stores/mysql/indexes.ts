// The tables by the index that a statement must use. A planner that knows of few rows would rather scan them all, or take an
// index of one state, and a locking statement then waits for rows that are none of its business: that is how deadlocks are made.

export const CHUNKS_BY_SEQ = 'spillway_chunks force index (primary)'
export const CHUNKS_BY_ID = 'spillway_chunks force index (spillway_chunks_id)'
export const ENDED_CHUNKS = 'spillway_chunks force index (spillway_chunks_ended)'
export const READY_CHUNKS = 'spillway_chunks force index (spillway_chunks_ready)'
export const LEASED_CHUNKS = 'spillway_chunks force index (spillway_chunks_leased)'
export const CHUNKS_OF_TENANT = 'spillway_chunks force index (spillway_chunks_tenant)'
export const CHUNKS_OF_PARTITION = 'spillway_chunks force index (spillway_chunks_partition)'

export const QUEUES_BY_NAME = 'spillway_queues force index (primary)'

/** Rows of commands: the statement calls them `parked`. */
export const PARKED_BY_COMMAND = 'spillway_parked parked force index (primary)'
export const PARKED_BY_QUEUE = 'spillway_parked parked force index (spillway_parked_queue)'
/** Both end with the command, so that what is found is in the order of a listing. */
export const PARKED_BY_STATE =
  'spillway_parked parked force index (spillway_parked_state, spillway_parked_queue)'
export const DUE_PARKED = 'spillway_parked parked force index (spillway_parked_due)'
export const PARKED_IN_ORDER = 'spillway_parked parked force index (spillway_parked_order)'
export const PARKED_ALIKE = 'spillway_parked parked force index (spillway_parked_alike)'
export const PARKED_BY_TOKEN = 'spillway_parked parked force index (spillway_parked_token)'
