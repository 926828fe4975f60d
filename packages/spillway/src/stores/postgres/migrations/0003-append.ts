// Appending in one statement and one round trip: first the keys of all drafts, then chunk by chunk what was not a repeat. A
// chunk that is stored already answers what it answered the first time.

import { NOW, PLANNED_ONCE } from './function-settings.js'
import type { SqlMigration } from './sql-migration.js'

/** Appends, ends and unblocks of one partition follow each other. */
const LOCK_PARTITIONS = `
create function @.lock_partitions_1(p_queues text[], p_partitions integer[]) returns void language plpgsql as $$
begin
  perform pg_advisory_xact_lock(place.lock) from (
    select distinct hashtextextended(named.queue || chr(10) || named.partition, '@.chunks'::regclass::oid::bigint) as lock
    from unnest(p_queues, p_partitions) as named (queue, partition)
    where named.partition >= 0 order by 1
  ) place;
end
$$;
`

/**
 * Why commands of a draft are not stored, as JSON [index, verdict, first id] by draft. A repeat within the call follows its
 * leader, the first command with that key: it repeats the leader, or whoever had the leader's key before.
 */
const ABSENCES = `
create function @.absences_1(
  p_ids uuid[], p_sizes integer[], p_parked_drafts integer[], p_parked json,
  p_drafts integer[], p_indexes integer[], p_fingerprints text[],
  p_owned integer[], p_owners text[], p_owner_fingerprints text[],
  p_follower_drafts integer[], p_follower_indexes integer[], p_leaders integer[], p_follower_fingerprints text[]
) returns table (draft integer, absent text) language plpgsql as $$
#variable_conflict use_column
begin
  return query
    with owned as materialized (
      select * from unnest(p_owned, p_owners, p_owner_fingerprints) as owned (place, id, fingerprint)
    ), keyed as materialized (
      select * from unnest(p_drafts, p_indexes, p_fingerprints) with ordinality as keyed (draft, idx, fingerprint, place)
    ), repeats as materialized (
      select keyed.draft, keyed.idx, owned.id, owned.fingerprint = keyed.fingerprint as same
      from owned join keyed on keyed.place = owned.place
      union all
      select followers.draft, followers.idx,
        coalesce(owned.id, replace(p_ids[keyed.draft]::text, '-', '') || '-' || keyed.idx),
        coalesce(owned.fingerprint, keyed.fingerprint) = followers.fingerprint
      from unnest(p_follower_drafts, p_follower_indexes, p_leaders, p_follower_fingerprints)
        as followers (draft, idx, leader, fingerprint)
      join keyed on keyed.place = followers.leader
      left join owned on owned.place = followers.leader
    ), gaps as (
      select parked.draft, gap as idx
      from unnest(p_parked_drafts) as parked (draft), generate_series(0, p_sizes[parked.draft] - 1) gap
      except select (entry ->> 'draft')::integer, (entry ->> 'idx')::integer from json_array_elements(p_parked) entry
      except select repeats.draft, repeats.idx from repeats
    )
    select absences.draft, json_agg(json_build_array(absences.idx, status, id) order by absences.idx)::text
    from (
      select repeats.draft, repeats.idx, case when same then 'duplicate' else 'conflict' end as status, id from repeats
      union all
      select gaps.draft, gaps.idx, 'accepted', null from gaps
    ) absences
    group by absences.draft;
end
$$ set enable_hashjoin = on;
`

/** Rows of the commands of a draft that was parked from the beginning. */
const PARK = `
create function @.park_1(p_now bigint, p_seq bigint, p_draft integer, p_parked json, p_skip integer[])
returns void language plpgsql as $$
begin
  with rows as (
    insert into @.parked (chunk_id, origin, next_at, accepted_at, finished_at, idx, priority, partition, attempts, state,
      queue, type, error, result, history)
    select chunks.id, chunks.seq,
      case when entries.state in ('scheduled', 'retrying') then coalesce(entries.next_at, p_now) end, p_now,
      case when entries.state not in ('scheduled', 'retrying') then p_now end,
      entries.idx, chunks.priority, chunks.partition, entries.attempts, entries.state, chunks.queue, chunks.type,
      entries.error, entries.result,
      case when entries.error is not null then
        array[format('{"attempt":%s,"at":%s,"error":%s}', entries.attempts, p_now, entries.error)] end
    from json_to_recordset(p_parked)
      as entries (draft integer, idx integer, state text, attempts integer, next_at bigint, error text, result text)
    join @.chunks on chunks.seq = p_seq
    where entries.draft = p_draft and (p_skip is null or entries.idx <> all(p_skip))
    returning state
  )
  update @.chunks set open = counts.open, unsuccessful = counts.unsuccessful
  from (
    select count(*) filter (where rows.state in ('scheduled', 'retrying')) as open,
      count(*) filter (where rows.state in ('failed', 'dead', 'cancelled')) as unsuccessful
    from rows
  ) counts
  where chunks.seq = p_seq;
end
$$;
`

/**
 * Drafts are arrays by column, and so are the keys of their commands; see append.ts for what they hold. Answers one row per draft,
 * in order. With `p_atomic` a conflict raises SPW01, whose detail is that answer.
 */
const APPEND = `
create function @.append_1(
  p_now bigint, p_fresh boolean, p_atomic boolean, p_channel text,
  p_ids text[], p_queues text[], p_types text[], p_priorities integer[], p_partitions integer[], p_codecs text[],
  p_bodies text[], p_sizes integer[], p_parked_drafts integer[], p_parked text,
  p_drafts integer[], p_indexes integer[], p_keys text[], p_fingerprints text[], p_windows bigint[],
  p_follower_drafts integer[], p_follower_indexes integer[], p_leaders integer[], p_follower_fingerprints text[]
) returns table (created_at bigint, absent text) language plpgsql as $$
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
    insert into @.chunks (id, queue, type, priority, partition, codec, state, blocked, promoted, size, accepted, live,
      skip, absent, created_at, ended_at)
    values (v_ids[v_draft], p_queues[v_draft], p_types[v_draft], p_priorities[v_draft],
      nullif(p_partitions[v_draft], -1), p_codecs[v_draft], case when v_parked then 'done' else 'ready' end,
      p_partitions[v_draft] >= 0 and exists (
        select 1 from @.chunks where queue = p_queues[v_draft] and partition = p_partitions[v_draft]
          and partition is not null and state <> 'done'),
      false, p_sizes[v_draft], v_live, case when v_parked then 0 else v_live end,
      v_skip, v_absent[v_draft], v_now, v_now)
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
      perform @.park_1(v_now, v_seq, v_draft, p_parked::json, v_skip);
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

create function @.append_atomic_1(
  p_now bigint, p_fresh boolean, p_channel text,
  p_ids text[], p_queues text[], p_types text[], p_priorities integer[], p_partitions integer[], p_codecs text[],
  p_bodies text[], p_sizes integer[], p_parked_drafts integer[], p_parked text,
  p_drafts integer[], p_indexes integer[], p_keys text[], p_fingerprints text[], p_windows bigint[],
  p_follower_drafts integer[], p_follower_indexes integer[], p_leaders integer[], p_follower_fingerprints text[]
) returns table (created_at bigint, absent text) language plpgsql as $$
declare
  v_answer text;
begin
  return query select * from @.append_1(p_now, p_fresh, true, p_channel, p_ids, p_queues, p_types, p_priorities, p_partitions,
    p_codecs, p_bodies, p_sizes, p_parked_drafts, p_parked, p_drafts, p_indexes, p_keys, p_fingerprints, p_windows,
    p_follower_drafts, p_follower_indexes, p_leaders, p_follower_fingerprints);
exception when sqlstate 'SPW01' then
  get stacked diagnostics v_answer = pg_exception_detail;
  return query select * from json_to_recordset(v_answer::json) as answers (created_at bigint, absent text);
end
$$;
`

export const append: SqlMigration = {
  version: 3,
  name: 'append',
  sql: [LOCK_PARTITIONS, ABSENCES, PARK, APPEND].join(''),
}
