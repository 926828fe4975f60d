// What the holder of a lease writes: outcomes, heartbeats, completion. Every write compares (chunk, token) first. Chunks whose
// commands all simply succeeded, the common case, are settled by one update of all of them.

import { CRASHES_BEFORE_ISOLATION, HISTORY_MAX } from '../../../domain/index.js'
import { NOW, PLANNED_ONCE } from './function-settings.js'
import type { SqlMigration } from './sql-migration.js'

/**
 * Locks what writing about these leases will change, in order: partitions first, then the leased chunks together with the chunks
 * that promoted ones carry commands of. Answers the leases that are valid, by their place.
 */
const HOLD = `
create function @.hold_1(p_ids uuid[], p_tokens bigint[], p_ends boolean[])
returns table (place integer, seq bigint, plain boolean) language plpgsql as $$
#variable_conflict use_column
declare
  v_queues text[];
  v_partitions integer[];
begin
  select array_agg(chunks.queue), array_agg(chunks.partition) into v_queues, v_partitions
    from unnest(p_ids, p_tokens, p_ends) as leases (id, token, ends)
    join @.chunks on chunks.id = leases.id
    where leases.ends and chunks.partition is not null and chunks.token = leases.token;
  if v_queues is not null then perform @.lock_partitions_1(v_queues, v_partitions); end if;
  perform 1 from @.chunks
    where seq in (
      select held.seq from unnest(p_ids, p_tokens) as leases (id, token)
        join @.chunks held on held.id = leases.id and held.token = leases.token and held.state = 'leased'
      union
      select parked.origin from unnest(p_ids, p_tokens) as leases (id, token)
        join @.chunks held on held.id = leases.id and held.token = leases.token and held.state = 'leased' and held.promoted
        join @.parked on parked.carrier = held.seq)
    order by seq for update;
  return query
    select leases.place::integer, chunks.seq, not chunks.promoted and chunks.partition is null
    from unnest(p_ids, p_tokens) with ordinality as leases (id, token, place)
    join @.chunks on chunks.id = leases.id
    where chunks.token = leases.token and chunks.state = 'leased';
end
$$;
`

/** The outcomes that an execution reports, as arrays; `p_place` says which lease each belongs to. */
const REPORT = `p_update_places integer[], p_updated integer[], p_states text[], p_attempts integer[], p_delays bigint[],
  p_errors text[], p_results text[], p_finished_places integer[], p_finished integer[]`
const REPORTED = `p_update_places, p_updated, p_states, p_attempts, p_delays, p_errors, p_results, p_finished_places, p_finished`

/** What is reported of the commands of one chunk that are still live: the first word counts. */
const NEWS = `
create function @.news_1(p_place integer, p_size integer, p_skip integer[], ${REPORT})
returns table (idx integer, state text, attempts integer, delay_ms bigint, error text, result text) language plpgsql as $$
#variable_conflict use_column
begin
  return query
    select distinct on (named.idx) named.idx, named.state, named.attempts, named.delay_ms, named.error, named.result
    from (
      select updated.idx, updated.state, updated.attempts, updated.delay_ms, updated.error, updated.result, updated.nth
      from unnest(p_update_places, p_updated, p_states, p_attempts, p_delays, p_errors, p_results)
        with ordinality as updated (place, idx, state, attempts, delay_ms, error, result, nth)
      where updated.place = p_place
      union all
      select finished.idx, 'succeeded', null, 0, null, null, cardinality(p_updated) + finished.nth
      from unnest(p_finished_places, p_finished) with ordinality as finished (place, idx, nth)
      where finished.place = p_place
    ) named
    where named.idx >= 0 and named.idx < p_size and named.idx <> all(p_skip)
    order by named.idx, named.nth;
end
$$;

-- The same for a promoted chunk, with the commands it carries. With p_complete every other live one succeeded too.
create function @.carried_news_1(p_place integer, p_chunk @.chunks, p_members json, p_complete boolean, ${REPORT})
returns table (
  idx integer, chunk_id uuid, origin_idx integer, state text, attempts integer, delay_ms bigint, error text, result text
) language plpgsql as $$
#variable_conflict use_column
begin
  return query
    select members.idx, left(members.id, 32)::uuid, substr(members.id, 34)::integer,
      coalesce(news.state, 'succeeded'),
      coalesce(news.attempts, members.attempts + least(p_chunk.expiries, ${CRASHES_BEFORE_ISOLATION}) + 1),
      news.delay_ms, news.error, news.result
    from (
      select (nth - 1)::integer as idx, member ->> 'id' as id, (member ->> 'attempts')::integer as attempts
      from json_array_elements(p_members) with ordinality as members (member, nth)
    ) members
    left join @.news_1(p_place, p_chunk.size, coalesce(p_chunk.skip, '{}'), ${REPORTED}) news on news.idx = members.idx
    where members.idx <> all(coalesce(p_chunk.skip, '{}')) and (p_complete or news.idx is not null);
end
$$ set enable_hashjoin = on;
`

/** An attempt as a row's history keeps it. */
const ATTEMPT = `format('{"attempt":%s,"at":%s,"error":%s}', news.attempts, p_now, coalesce(news.error, 'null'))`

/** Writes what is reported of a chunk that the caller has locked; answers how many of its commands are still live. */
const PROGRESS = `
create function @.progress_1(p_now bigint, p_seq bigint, p_place integer, p_complete boolean, ${REPORT})
returns integer language plpgsql as $$
declare
  v_chunk @.chunks;
  v_over integer[];
  v_silent integer;
  v_open integer := 0;
  v_unsuccessful integer := 0;
begin
  select * into v_chunk from @.chunks where seq = p_seq;
  if v_chunk.promoted then
    with news as materialized (
      select * from @.carried_news_1(p_place, v_chunk, (select members from @.bodies where seq = p_seq)::json, p_complete,
        ${REPORTED})
    ), moved as (
      update @.parked set state = news.state, attempts = news.attempts, carrier = null,
        next_at = case when news.state = 'retrying' then p_now + news.delay_ms end,
        finished_at = case when news.state <> 'retrying' then p_now end,
        error = news.error, result = news.result,
        history = (coalesce(parked.history, '{}') || ${ATTEMPT})[
          greatest(1, cardinality(coalesce(parked.history, '{}')) + 2 - ${HISTORY_MAX}):]
      from news
      where parked.chunk_id = news.chunk_id and parked.idx = news.origin_idx and parked.carrier = p_seq
      returning parked.origin, news.state
    ), families as (
      update @.chunks set open = open - counts.ended, unsuccessful = unsuccessful + counts.bad,
        ended_at = greatest(ended_at, p_now)
      from (
        select moved.origin, count(*) filter (where moved.state <> 'retrying') as ended,
          count(*) filter (where moved.state in ('failed', 'dead')) as bad
        from moved group by moved.origin
      ) counts
      where chunks.seq = counts.origin
    )
    select array_agg(news.idx), 0 into v_over, v_silent from news;
  else
    with news as materialized (
      select * from @.news_1(p_place, v_chunk.size, coalesce(v_chunk.skip, '{}'), ${REPORTED})
    ), rows as (
      insert into @.parked (chunk_id, origin, next_at, accepted_at, finished_at, idx, priority, partition, attempts, state,
        queue, type, error, result, history)
      select v_chunk.id, p_seq, case when news.state = 'retrying' then p_now + news.delay_ms end, v_chunk.created_at,
        case when news.state <> 'retrying' then p_now end, news.idx, v_chunk.priority, v_chunk.partition, news.attempts,
        news.state, v_chunk.queue, v_chunk.type, news.error, news.result, array[${ATTEMPT}]
      from news where news.state <> 'succeeded'
    ), results as (
      insert into @.results (seq, idx, result)
      select p_seq, news.idx, news.result from news where news.state = 'succeeded' and news.result is not null
    )
    select array_agg(news.idx), count(*) filter (where news.state = 'succeeded'),
      count(*) filter (where news.state = 'retrying'), count(*) filter (where news.state in ('failed', 'dead'))
      into v_over, v_silent, v_open, v_unsuccessful from news;
  end if;
  if v_over is null then return v_chunk.live; end if;
  v_over := array(select idx from unnest(v_chunk.skip || v_over) as over (idx) order by idx);
  update @.chunks
    set skip = v_over, live = size - cardinality(v_over), succeeded = succeeded + v_silent, open = open + v_open,
      unsuccessful = unsuccessful + v_unsuccessful, ended_at = greatest(ended_at, p_now),
      cursor = case when cursor = any(v_over) then null else cursor end
    where seq = p_seq;
  return v_chunk.size - cardinality(v_over);
end
$$;
`

/**
 * Answers the leases that are valid, by place, with the queue in which something became claimable. `p_xid` names the transaction
 * in which the leases were held: SPW02 when this is another one, SPW03 when a lease is not valid.
 */
const SETTLE = `
create function @.settle_1(
  p_now bigint, p_xid text, p_ids text[], p_tokens bigint[], p_completes boolean[], ${REPORT}
) returns table (place integer, freed text) language plpgsql as $$
#variable_conflict use_column
declare
  v_now bigint := ${NOW};
  v_ids uuid[] := p_ids::uuid[];
  v_held integer := 0;
  v_seq bigint;
begin
  if p_xid is not null and pg_current_xact_id_if_assigned()::text is distinct from p_xid then
    raise exception 'the transaction ended before its handler did' using errcode = 'SPW02';
  end if;
  if cardinality(p_updated) = 0 and true = all(p_completes) and not exists (
    select 1 from unnest(v_ids) as leases (id) join @.chunks on chunks.id = leases.id
    where chunks.promoted or chunks.partition is not null
  ) then
    for place in
      update @.chunks
        set state = 'done', succeeded = succeeded + live, live = 0, leased_by = null, lease_expires_at = null,
          cursor = null, ended_at = greatest(ended_at, v_now)
        from (
          select leases.place, leases.token, held.seq
          from unnest(v_ids, p_tokens) with ordinality as leases (id, token, place)
          join @.chunks held on held.id = leases.id
          order by held.seq
        ) leases
        where chunks.seq = leases.seq and chunks.token = leases.token and chunks.state = 'leased'
        returning leases.place::integer
    loop
      v_held := v_held + 1;
      return next;
    end loop;
  else
    for place, v_seq in select held.place, held.seq from @.hold_1(v_ids, p_tokens, p_completes) held loop
      -- One that was named before in this call may have ended by that.
      continue when not exists (select 1 from @.chunks where seq = v_seq and state = 'leased');
      perform @.progress_1(v_now, v_seq, place, p_completes[place], ${REPORTED});
      freed := case when p_completes[place] then @.finish_1(v_now, v_seq) end;
      v_held := v_held + 1;
      return next;
    end loop;
  end if;
  if p_xid is not null and v_held < cardinality(p_ids) then
    raise exception 'a lease is not valid' using errcode = 'SPW03';
  end if;
end
$$ ${PLANNED_ONCE};
`

/** `p_cursors`: -1 clears it, below that leaves it. Answers as settle does; `live` is how many commands were given back. */
const EXTEND = `
create function @.extend_1(
  p_now bigint, p_lease_ms bigint, p_ids text[], p_tokens bigint[], p_releases boolean[], p_cursors integer[], ${REPORT}
) returns table (place integer, freed text, live integer) language plpgsql as $$
#variable_conflict use_column
declare
  v_now bigint := ${NOW};
  v_seq bigint;
  v_cursor integer;
begin
  for place, v_seq in select held.place, held.seq from @.hold_1(p_ids::uuid[], p_tokens, p_releases) held loop
    continue when not exists (select 1 from @.chunks where seq = v_seq and state = 'leased');
    live := @.progress_1(v_now, v_seq, place, false, ${REPORTED});
    freed := null;
    if not p_releases[place] then
      v_cursor := p_cursors[place];
      -- A heartbeat that arrives after later ones must not blame a command that has ended for the next one's crash.
      update @.chunks
        set lease_expires_at = v_now + p_lease_ms, cursor = case
          when v_cursor = -1 then null
          when v_cursor < -1 or v_cursor = any(skip) then cursor
          else v_cursor end
        where seq = v_seq;
    elsif live = 0 then
      freed := @.finish_1(v_now, v_seq);
    else
      update @.chunks set state = 'ready', leased_by = null, lease_expires_at = null, cursor = null
        where seq = v_seq returning queue into freed;
    end if;
    return next;
  end loop;
end
$$ ${PLANNED_ONCE};

-- Heartbeats that say nothing else. They wait for nobody: a chunk whose row is locked is being settled by its holder, or taken
-- over, and either of the two is told by the next write.
create function @.prolong_1(p_now bigint, p_lease_ms bigint, p_ids text[], p_tokens bigint[])
returns table (place integer) language plpgsql as $$
#variable_conflict use_column
declare
  v_now bigint := ${NOW};
  v_ids uuid[] := p_ids::uuid[];
begin
  update @.chunks set lease_expires_at = v_now + p_lease_ms
    where seq in (
      select held.seq from unnest(v_ids, p_tokens) as leases (id, token)
      join @.chunks held on held.id = leases.id and held.token = leases.token and held.state = 'leased'
      order by held.seq for update of held skip locked);
  return query
    select leases.place::integer from unnest(v_ids, p_tokens) with ordinality as leases (id, token, place)
    join @.chunks on chunks.id = leases.id and chunks.token = leases.token and chunks.state = 'leased';
end
$$ ${PLANNED_ONCE};
`

/** For a transaction in which a handler works: it holds the leases until it ends, and ends when it is idle for too long. */
const HOLD_WITHIN = `
create function @.hold_within_1(p_idle_ms bigint, p_ids text[], p_tokens bigint[])
returns table (xid text, places integer[]) language plpgsql as $$
begin
  perform set_config('idle_in_transaction_session_timeout', p_idle_ms::text, true);
  xid := pg_current_xact_id()::text;
  -- Its end is not known yet, and a partition's lock would keep others from submitting until then.
  places := array(select held.place from @.hold_1(p_ids::uuid[], p_tokens, array_fill(false, array[cardinality(p_ids)])) held);
  return next;
end
$$ ${PLANNED_ONCE};
`

export const settle: SqlMigration = {
  version: 5,
  name: 'settle',
  sql: [HOLD, NEWS, PROGRESS, SETTLE, EXTEND, HOLD_WITHIN].join(''),
}
