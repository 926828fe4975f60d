// Leasing chunks. Candidates are read without locks and then locked one by one, best first, skipping what another claim holds:
// so a claim never waits, never holds more than it takes, and stops exactly where it has enough.

import { NOW, PLANNED_ONCE } from './function-settings.js'
import type { SqlMigration } from './sql-migration.js'

/** Candidates of one look beyond the chunks that are wanted: other claims may hold some. */
const SLACK = 16
/** Looks of one claim; each sees twice as far as the one before. */
const LOOKS_MAX = 6

/**
 * The chunk, which the caller has locked, is over: what is still live in it succeeded. A promoted chunk is gone, its rows are the
 * truth. Answers the queue if the next chunk of the partition became claimable. Whoever ends a chunk of a partition holds the
 * partition's lock.
 */
const FINISH = `
create function @.finish_1(p_now bigint, p_seq bigint) returns text language plpgsql as $$
declare
  v_chunk @.chunks;
  v_queue text;
begin
  select * into v_chunk from @.chunks where seq = p_seq;
  if v_chunk.promoted then
    delete from @.chunks where seq = p_seq;
    delete from @.bodies where seq = p_seq;
  else
    update @.chunks
      set state = 'done', succeeded = succeeded + live, live = 0, leased_by = null, lease_expires_at = null,
        cursor = null, ended_at = greatest(ended_at, p_now)
      where seq = p_seq;
  end if;
  if v_chunk.partition is null then return null; end if;
  update @.chunks set blocked = false
    where seq = (
        select seq from @.chunks
        where queue = v_chunk.queue and partition = v_chunk.partition and partition is not null and state <> 'done'
        order by seq limit 1)
      and blocked
    returning queue into v_queue;
  return v_queue;
end
$$;

create function @.try_finish_1(p_now bigint, p_chunk @.chunks) returns void language plpgsql as $$
begin
  if p_chunk.partition is not null and not pg_try_advisory_xact_lock(hashtextextended(
    p_chunk.queue || chr(10) || p_chunk.partition, '@.chunks'::regclass::oid::bigint))
  then return; end if;
  perform @.finish_1(p_now, p_chunk.seq);
end
$$;
`

const ROOM = `
create function @.room_1(p_now bigint, p_queue text, p_chunks_max integer) returns integer language plpgsql as $$
declare
  v_queue @.queues;
begin
  select * into v_queue from @.queues where name = p_queue;
  if not found or v_queue.paused then return 0; end if;
  if v_queue.leases_max is null then return p_chunks_max; end if;
  -- One claim at a time counts and takes.
  select * into v_queue from @.queues where name = p_queue for no key update;
  return least(p_chunks_max, v_queue.leases_max - (
    select count(*) from @.chunks
    where queue = p_queue and state = 'leased' and lease_expires_at > ${NOW})::integer);
end
$$;
`

const CANDIDATES = `
create function @.candidates_1(p_now bigint, p_queue text, p_types text[], p_limit integer)
returns table (seq bigint) language plpgsql as $$
#variable_conflict use_column
begin
  return query
    select found.seq from (
      (select seq, priority from @.chunks
        where state = 'leased' and queue = p_queue and lease_expires_at <= p_now and type = any(p_types)
        order by priority desc, seq limit p_limit)
      union all
      select ready.seq, ready.priority from unnest(p_types) as wanted (type) cross join lateral (
        select seq, priority from @.chunks
        where state = 'ready' and queue = p_queue and blocked = false and type = wanted.type
        order by priority desc, seq limit p_limit) ready
    ) found
    order by found.priority desc, found.seq limit p_limit;
end
$$;
`

const CLAIM = `
create function @.claim_1(
  p_now bigint, p_queue text, p_types text[], p_chunks_max integer, p_commands_max integer, p_lease_ms bigint,
  p_worker text
) returns table (
  id text, token bigint, type text, priority integer, partition integer, codec text, size integer, skip text,
  expiries integer, cursor integer, created_at bigint, body text, members text
) language plpgsql as $$
#variable_conflict use_column
declare
  v_room integer := @.room_1(p_now, p_queue, p_chunks_max);
  v_now bigint := ${NOW};
  v_limit integer := p_chunks_max + ${SLACK};
  v_seen integer;
  v_commands bigint := 0;
  v_seqs bigint[] := '{}';
  v_seq bigint;
  v_chunk @.chunks;
begin
  if v_room <= 0 then return; end if;
  for look in 1..${LOOKS_MAX} loop
    v_seen := 0;
    for v_seq in select found.seq from @.candidates_1(v_now, p_queue, p_types, v_limit) found loop
      exit when cardinality(v_seqs) >= v_room or (v_commands >= p_commands_max and cardinality(v_seqs) > 0);
      v_seen := v_seen + 1;
      select * into v_chunk from @.chunks
        where seq = v_seq
          and (state = 'ready' and not blocked or state = 'leased' and lease_expires_at <= v_now)
        for update skip locked;
      continue when not found;
      if v_chunk.live = 0 then
        -- Its holder finished everything and died before it said so.
        perform @.try_finish_1(v_now, v_chunk);
        continue;
      end if;
      -- The commit of a claim is not awaited, and a crash of the server may undo it. The time in the token keeps the lost
      -- one from being given again.
      update @.chunks
        set state = 'leased', token = greatest(token + 1, v_now), leased_by = p_worker,
          expiries = expiries + case when state = 'leased' then 1 else 0 end, lease_expires_at = v_now + p_lease_ms
        where seq = v_seq;
      v_seqs := v_seqs || v_seq;
      v_commands := v_commands + v_chunk.live;
    end loop;
    exit when v_seen < v_limit;
    v_limit := v_limit * 2;
  end loop;
  if cardinality(v_seqs) = 0 then return; end if;
  perform set_config('synchronous_commit', 'off', true);
  return query
    select replace(chunks.id::text, '-', ''), chunks.token, chunks.type, chunks.priority, chunks.partition, chunks.codec,
      chunks.size, array_to_string(chunks.skip, ','), chunks.expiries, chunks.cursor, chunks.created_at, bodies.body,
      bodies.members
    from unnest(v_seqs) with ordinality as taken (seq, place)
    join @.chunks on chunks.seq = taken.seq
    join @.bodies on bodies.seq = taken.seq
    order by taken.place;
end
$$ ${PLANNED_ONCE};
`

export const claim: SqlMigration = {
  version: 4,
  name: 'claim',
  sql: [FINISH, ROOM, CANDIDATES, CLAIM].join(''),
}
