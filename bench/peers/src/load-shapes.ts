// Who calls, in the sections that do not vary it.

/** Concurrent callers of single submits. */
export const CALLERS = 256
/** Connections that write the bulk limit at once: more do not make it faster on two cores. */
export const BULK_CALLERS = 2
/** Callers that each hand a thousand events to a bulk API at once. */
export const BULK_API_CALLERS = 4
