// How the store's functions are planned: once, and for what the tables become. A plan made while they are empty would scan
// them, and stay in use while they grow by millions of rows.

/** The end of every `create function` of the store. */
export const PLANNED_ONCE = `
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
set jit = off`

/** The time of the call: the test's, or the database's. */
export const NOW = 'coalesce(p_now, floor(extract(epoch from clock_timestamp()) * 1000)::bigint)'
