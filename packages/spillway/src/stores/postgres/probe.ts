// Whether the store could take commands now: a write that needs room, committed as durably as an append.

import type { Database } from './database.js'

/** More than a page, so that a database that cannot grow is noticed. */
const FILLER_CHARACTERS = 16 * 1024

// A random filler is not compressed away. What an earlier probe left is removed, and this one's by the next.
const PROBE = `
with cleared as (delete from @.probes)
insert into @.probes (filler)
select string_agg(md5(random()::text), '') from generate_series(1, $1::integer / 32)`

export async function probe(db: Database): Promise<void> {
  await db.query(PROBE, [FILLER_CHARACTERS])
}
