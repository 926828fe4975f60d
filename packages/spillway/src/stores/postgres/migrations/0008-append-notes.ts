// Appending chunks that have a tenant, and rows that are parked with all their notes.

import { NOW, PLANNED_ONCE } from './function-settings.js'
import type { SqlMigration } from './sql-migration.js'

const PARK = `
create function @.park_2(p_now bigint, p_seq bigint, p_draft integer, p_parked json, p_skip integer[])
returns void language plpgsql as $$
begin
  with rows as (
    insert into @.parked (chunk_id, origin, due_at, accepted_at, finished_at, idx, priority, partition, attempts, state,
      queue, type, error, result, history, stage, memo, ordering_key, token_hash, token_expires_at, fingerprint)
    select chunks.id, chunks.seq,
      case when entries.state in ('scheduled', 'retrying', 'reconciling', 'pending', 'compensating')
        then coalesce(entries.due_at, p_now) end, p_now,
      case when entries.state in ('succeeded', 'failed', 'dead', 'cancelled', 'compensated') then p_now end,
      entries.idx, chunks.priority, chunks.partition, entries.attempts, entries.state, chunks.queue, chunks.type,
      entries.error, entries.result,
      case when entries.error is not null then
        array[format('{"attempt":%s,"at":%s,"error":%s}', entries.attempts, p_now, entries.error)] end,
      nullif(entries.stage, 'execute'), nullif(entries.memo, ''), entries.ordering_key,
      case when entries.state = 'pending' then entries.token_hash end,
      case when entries.state = 'pending' then p_now + entries.token_ms end, entries.fingerprint
    from json_to_recordset(p_parked) as entries (
      draft integer, idx integer, state text, attempts integer, due_at bigint, error text, result text, stage text, memo text,
      ordering_key text, token_hash text, token_ms bigint, fingerprint text)
    join @.chunks on chunks.seq = p_seq
    where entries.draft = p_draft and (p_skip is null or entries.idx <> all(p_skip))
    returning state, finished_at
  )
  update @.chunks set open = counts.open, unsuccessful = counts.unsuccessful
  from (
    select count(*) filter (where rows.finished_at is null) as open,
      count(*) filter (where rows.state in ('failed', 'dead', 'cancelled', 'compensated')) as unsuccessful
    from rows
  ) counts
  where chunks.seq = p_seq;
end
$$;
`

const DRAFTS = `p_ids text[], p_queues text[], p_types text[], p_priorities integer[], p_partitions integer[], p_tenants text[],
  p_codecs text[], p_bodies text[], p_sizes integer[], p_parked_drafts integer[], p_parked text,
  p_drafts integer[], p_indexes integer[], p_keys text[], p_fingerprints text[], p_windows bigint[],
  p_follower_drafts integer[], p_follower_indexes integer[], p_leaders integer[], p_follower_fingerprints text[]`

/** As append_1, with the tenant of each draft; an empty array when none has one. */
const APPEND = `
create function @.append_2(p_now bigint, p_fresh boolean, p_atomic boolean, p_channel text, ${DRAFTS})
returns table (created_at bigint, absent text) language plpgsql as $$
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
  v_skip integer[];
  v_parked boolean;
  v_live integer;
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
    if p_atomic and exists (
      select 1 from unnest(v_absent) as drafts (absent), json_array_elements(drafts.absent::json) absences
      where absences ->> 1 = 'conflict'
    ) then
      raise exception 'atomic append met a conflict' using errcode = 'SPW01', detail = (
        select json_agg(json_build_object('created_at', answers.created_at, 'absent', answers.absent) order by place)
        from unnest(v_created, v_absent) with ordinality as answers (created_at, absent, place));
    end if;
  end if;

  for v_draft in 1..cardinality(v_ids) loop
    continue when v_draft = any(v_known);
    v_skip := null;
    if v_absent[v_draft] is not null then
      select array_agg((absences ->> 0)::integer) into v_skip from json_array_elements(v_absent[v_draft]::json) absences;
      continue when cardinality(v_skip) = p_sizes[v_draft];
    end if;
    v_parked := v_draft = any(p_parked_drafts);
    v_live := p_sizes[v_draft] - coalesce(cardinality(v_skip), 0);
    if not exists (select 1 from @.queues where name = p_queues[v_draft]) then
      insert into @.queues (name) values (p_queues[v_draft]) on conflict do nothing;
    end if;
    insert into @.chunks (id, queue, type, priority, partition, tenant, codec, state, blocked, promoted, size, accepted, live,
      bytes, skip, absent, created_at, ended_at)
    values (v_ids[v_draft], p_queues[v_draft], p_types[v_draft], p_priorities[v_draft],
      nullif(p_partitions[v_draft], -1), coalesce(p_tenants[v_draft], ''), p_codecs[v_draft],
      case when v_parked then 'done' else 'ready' end,
      p_partitions[v_draft] >= 0 and exists (
        select 1 from @.chunks where queue = p_queues[v_draft] and partition = p_partitions[v_draft]
          and partition is not null and state <> 'done'),
      false, p_sizes[v_draft], v_live, case when v_parked then 0 else v_live end,
      octet_length(p_bodies[v_draft]), v_skip, v_absent[v_draft], v_now, v_now)
    on conflict (id) do nothing
    returning seq into v_seq;
    if not found then
      -- Another append of the same draft was faster.
      select chunks.created_at, chunks.absent into created_at, absent from @.chunks where id = v_ids[v_draft];
      v_created[v_draft] := created_at;
      v_absent[v_draft] := absent;
      continue;
    end if;
    insert into @.bodies (seq, body) values (v_seq, p_bodies[v_draft]);
    if v_parked then
      perform @.park_2(v_now, v_seq, v_draft, p_parked::json, v_skip);
    elsif p_channel is not null then
      perform pg_notify(p_channel, v_live || ' ' || p_queues[v_draft]);
    end if;
  end loop;

  for v_draft in 1..cardinality(v_ids) loop
    created_at := v_created[v_draft];
    absent := v_absent[v_draft];
    return next;
  end loop;
end
$$ ${PLANNED_ONCE};

create function @.append_atomic_2(p_now bigint, p_fresh boolean, p_channel text, ${DRAFTS})
returns table (created_at bigint, absent text) language plpgsql as $$
declare
  v_answer text;
begin
  return query select * from @.append_2(p_now, p_fresh, true, p_channel, p_ids, p_queues, p_types, p_priorities, p_partitions,
    p_tenants, p_codecs, p_bodies, p_sizes, p_parked_drafts, p_parked, p_drafts, p_indexes, p_keys, p_fingerprints, p_windows,
    p_follower_drafts, p_follower_indexes, p_leaders, p_follower_fingerprints);
exception when sqlstate 'SPW01' then
  get stacked diagnostics v_answer = pg_exception_detail;
  return query select * from json_to_recordset(v_answer::json) as answers (created_at bigint, absent text);
end
$$;
`

export const appendNotes: SqlMigration = {
  version: 8,
  name: 'append notes',
  sql: [PARK, APPEND].join(''),
}
