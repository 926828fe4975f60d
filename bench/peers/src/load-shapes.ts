// Who calls, in the sections that do not vary it.

/** Concurrent callers of single submits. */
export const CALLERS = 256
/**
 * Connections that write the bulk limit at once, unless the command line says otherwise. Others are measured against this
 * limit, so it is to be the number at which it is highest on the machine at hand.
 */
export const BULK_CALLERS = 8
/** Callers that each hand a thousand events to a bulk API at once. */
export const BULK_API_CALLERS = 4
