// Appending chunks and leasing them in the same commit, for whoever is about to execute what it stores; and remembering chunks of nothing
// but repeats, whose commands' ids were given out before anybody looked at their keys.

import { NOW, PLANNED_ONCE } from './function-settings.js'
import type { SqlMigration } from './sql-migration.js'

/**
 * How many chunks of each queue may be leased, for the queues of the drafts that could be. Queues are held in the order of their names,
 * and before any chunk, as a claim does: so appends and claims at once cannot wait for each other in a circle.
 */
const ROOMS = `
create function @.rooms_1(p_now bigint, p_queues text[], p_partitions integer[], p_others integer[])
returns table (queue text, room integer) language plpgsql as $$
#variable_conflict use_column
declare
  v_drafts integer;
begin
  for queue, v_drafts in
    select drafts.queue, count(*)::integer from unnest(p_queues, p_partitions) with ordinality as drafts (queue, partition, place)
    where drafts.partition = -1 and drafts.place <> all(p_others)
    group by drafts.queue order by drafts.queue collate "C"
  loop
    if not exists (select 1 from @.queues where name = queue) then
      insert into @.queues (name) values (queue) on conflict do nothing;
    end if;
    room := @.room_1(p_now, queue, v_drafts);
    return next;
  end loop;
end
$$ ${PLANNED_ONCE};
`

const DRAFTS = `p_ids text[], p_queues text[], p_types text[], p_priorities integer[], p_partitions integer[], p_tenants text[],
  p_codecs text[], p_bodies text[], p_sizes integer[], p_parked_drafts integer[], p_parked text,
  p_drafts integer[], p_indexes integer[], p_keys text[], p_fingerprints text[], p_windows bigint[],
  p_follower_drafts integer[], p_follower_indexes integer[], p_leaders integer[], p_follower_fingerprints text[]`

/**
 * As append_2, neither atomic nor in the caller's transaction. With a worker, chunks that this call stores are leased to it, and their
 * token is answered; nobody is told of them. A chunk of which nothing is stored is kept without a body, as one that is done.
 */
const APPEND = `
create function @.append_3(p_now bigint, p_fresh boolean, p_worker text, p_lease_ms bigint, ${DRAFTS})
returns table (created_at bigint, absent text, token bigint) language plpgsql as $$
#variable_conflict use_column
declare
  v_now bigint := ${NOW};
  v_ids uuid[] := p_ids::uuid[];
  v_windows bigint[] := p_windows;
  v_known integer[];
  v_owned integer[];
  v_owners text[];
  v_fingerprints text[];
  v_absent text[] := array_fill(null::text, array[cardinality(p_ids)]);
  v_created bigint[] := array_fill(v_now, array[cardinality(p_ids)]);
  v_tokens bigint[] := array_fill(null::bigint, array[cardinality(p_ids)]);
  v_queues text[];
  v_rooms integer[];
  v_queue integer;
  v_skip integer[];
  v_state text;
  v_live integer;
  v_token bigint;
  v_seq bigint;
  v_draft integer;
begin
  if -1 <> any(p_partitions) then
    perform @.lock_partitions_1(p_queues, p_partitions);
  end if;

  for v_draft, created_at, absent in
    select drafts.place, chunks.created_at, chunks.absent
    from unnest(v_ids) with ordinality as drafts (id, place) join @.chunks on chunks.id = drafts.id
  loop
    v_known := v_known || v_draft;
    v_created[v_draft] := created_at;
    v_absent[v_draft] := absent;
  end loop;

  if cardinality(p_keys) > 0 then
    if v_known is not null then
      -- What is stored already has its keys: they are looked up for the others, and not taken again.
      select array_agg(case when p_drafts[place] = any(v_known) then -1 else window_ms end order by place) into v_windows
      from unnest(p_windows) with ordinality as ranked (window_ms, place);
    end if;
    select array_agg(owners.place), array_agg(replace(owners.chunk_id::text, '-', '') || '-' || owners.idx),
      array_agg(owners.fingerprint) into v_owned, v_owners, v_fingerprints
    from @.claim_keys_1(v_now, p_fresh and v_known is null, v_ids, p_drafts, p_indexes, p_keys, p_fingerprints, v_windows) owners;
  end if;

  if v_owned is not null or cardinality(p_leaders) > 0 or cardinality(p_parked_drafts) > 0 then
    for v_draft, absent in
      select absences.draft, absences.absent
      from @.absences_1(v_ids, p_sizes, p_parked_drafts, p_parked::json, p_drafts, p_indexes, p_fingerprints,
        v_owned, v_owners, v_fingerprints, p_follower_drafts, p_follower_indexes, p_leaders, p_follower_fingerprints
      ) absences
      where v_known is null or absences.draft <> all(v_known)
    loop
      v_absent[v_draft] := absent;
    end loop;
  end if;

  if p_worker is not null then
    select array_agg(rooms.queue), array_agg(rooms.room) into v_queues, v_rooms
    from @.rooms_1(p_now, p_queues, p_partitions, p_parked_drafts || v_known) rooms;
  end if;

  for v_draft in 1..cardinality(v_ids) loop
    continue when v_draft = any(v_known);
    v_skip := null;
    if v_absent[v_draft] is not null then
      select array_agg((absences ->> 0)::integer) into v_skip from json_array_elements(v_absent[v_draft]::json) absences;
    end if;
    v_live := p_sizes[v_draft] - coalesce(cardinality(v_skip), 0);
    v_token := null;
    if v_live = 0 or v_draft = any(p_parked_drafts) then
      v_state := 'done';
    else
      v_state := 'ready';
      v_queue := case when p_partitions[v_draft] = -1 then array_position(v_queues, p_queues[v_draft]) end;
      if v_rooms[v_queue] > 0 then
        v_state := 'leased';
        -- The time in it, as in every token, keeps one that a failover lost from being given again.
        v_token := greatest(1, v_now);
      end if;
    end if;
    if v_live > 0 and not exists (select 1 from @.queues where name = p_queues[v_draft]) then
      insert into @.queues (name) values (p_queues[v_draft]) on conflict do nothing;
    end if;
    insert into @.chunks (id, queue, type, priority, partition, tenant, codec, state, blocked, promoted, size, accepted, live,
      bytes, skip, absent, created_at, ended_at, token, leased_by, lease_expires_at)
    values (v_ids[v_draft], p_queues[v_draft], p_types[v_draft], p_priorities[v_draft],
      nullif(p_partitions[v_draft], -1), coalesce(p_tenants[v_draft], ''), p_codecs[v_draft], v_state,
      p_partitions[v_draft] >= 0 and exists (
        select 1 from @.chunks where queue = p_queues[v_draft] and partition = p_partitions[v_draft]
          and partition is not null and state <> 'done'),
      false, p_sizes[v_draft], v_live, case when v_state = 'done' then 0 else v_live end,
      octet_length(p_bodies[v_draft]), v_skip, v_absent[v_draft], v_now, v_now,
      coalesce(v_token, 0), case when v_token is not null then p_worker end,
      case when v_token is not null then v_now + p_lease_ms end)
    on conflict (id) do nothing
    returning seq into v_seq;
    if not found then
      -- Another append of the same draft was faster.
      select chunks.created_at, chunks.absent into created_at, absent from @.chunks where id = v_ids[v_draft];
      v_created[v_draft] := created_at;
      v_absent[v_draft] := absent;
      continue;
    end if;
    continue when v_live = 0;
    insert into @.bodies (seq, body) values (v_seq, p_bodies[v_draft]);
    if v_state = 'done' then
      perform @.park_2(v_now, v_seq, v_draft, p_parked::json, v_skip);
    elsif v_token is not null then
      v_tokens[v_draft] := v_token;
      v_rooms[v_queue] := v_rooms[v_queue] - 1;
    end if;
  end loop;

  for v_draft in 1..cardinality(v_ids) loop
    created_at := v_created[v_draft];
    absent := v_absent[v_draft];
    token := v_tokens[v_draft];
    return next;
  end loop;
end
$$ ${PLANNED_ONCE};
`

export const appendLease: SqlMigration = {
  version: 12,
  name: 'append lease',
  sql: [ROOMS, APPEND].join(''),
}
