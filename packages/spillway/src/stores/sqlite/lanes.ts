// Rows that keep an order among them: those of one ordering key, in one partition of one queue. Each such lane has two indexes: one of
// the rows that hold the later ones up, and one of those that are blocked, so that neither is searched for among the other.

/** Rows that later ones of their lane wait for. As the index says it, or the planner would not see that it holds them. */
export const HOLDING = `ordering_key is not null and (${anyOf('retrying', 'reconciling', 'pending', 'compensating', 'promoted', 'dead')})`

export const BLOCKED = "state = 'blocked'"

/** The planner would take the index of all rows by state, and walk through a lane instead of stepping over it. */
export const BY_LANE = 'indexed by spillway_parked_blocked'

/**
 * Lanes with an ordering key of the queue ?1 and the partition ?2 lie between these: `["queue",7,"key"]`. The runtime's own SQLite module
 * binds every number as a real, which JSON would write as `7.0`.
 */
export const FIRST_LANE = `rtrim(json_array(?1, cast(?2 as integer)), ']') || ',"'`
export const LAST_LANE = `rtrim(json_array(?1, cast(?2 as integer)), ']') || ',#'`

function anyOf(...states: readonly string[]): string {
  return states.map((state) => `state = '${state}'`).join(' or ')
}
