// Storing chunks as settled, for whoever writes what they come to in the same transaction.

import { NOW, PLANNED_ONCE } from './function-settings.js'
import type { SqlMigration } from './sql-migration.js'

/**
 * Chunks without partitions and parked commands, each key once. Answers when they were stored. SPW04, with which the transaction ends, when there is
 * more to say about one of them: a key of it is somebody's, or its queue leases nothing now, or only so much.
 */
const APPEND = `
create function @.append_settled_1(
  p_now bigint, p_fresh boolean, p_ids text[], p_queues text[], p_types text[], p_priorities integer[], p_tenants text[],
  p_codecs text[], p_bodies text[], p_sizes integer[],
  p_drafts integer[], p_indexes integer[], p_keys text[], p_fingerprints text[], p_windows bigint[]
) returns bigint language plpgsql as $$
declare
  v_now bigint := ${NOW};
  v_ids uuid[] := p_ids::uuid[];
begin
  if exists (select 1 from @.queues where name = any(p_queues) and (paused or leases_max is not null)) then
    raise exception 'a queue is held back' using errcode = 'SPW04';
  end if;
  if cardinality(p_keys) > 0 and exists (
    select 1 from @.claim_keys_1(v_now, p_fresh, v_ids, p_drafts, p_indexes, p_keys, p_fingerprints, p_windows)
  ) then
    raise exception 'a key is known' using errcode = 'SPW04';
  end if;
  insert into @.queues (name)
    select distinct name from unnest(p_queues) as named (name)
    where not exists (select 1 from @.queues where queues.name = named.name)
    on conflict do nothing;
  with stored as (
    insert into @.chunks (id, queue, type, priority, tenant, codec, state, blocked, promoted, size, accepted, live, succeeded,
      bytes, created_at, ended_at)
    select drafts.id, drafts.queue, drafts.type, drafts.priority, coalesce(p_tenants[drafts.place], ''), drafts.codec, 'done', false, false,
      drafts.size, drafts.size, 0, drafts.size, octet_length(drafts.body), v_now, v_now
    from unnest(v_ids, p_queues, p_types, p_priorities, p_codecs, p_bodies, p_sizes) with ordinality
      as drafts (id, queue, type, priority, codec, body, size, place)
    order by drafts.place
    returning seq, id
  )
  insert into @.bodies (seq, body)
    select stored.seq, p_bodies[array_position(v_ids, stored.id)] from stored;
  return v_now;
end
$$ ${PLANNED_ONCE};
`

export const appendSettled: SqlMigration = {
  version: 13,
  name: 'append settled',
  sql: APPEND,
}
