// What the holder of a lease writes, with the notes that rows keep for the command's next turn. As the first version of settling,
// and at the same cost where there are none. Rows of commands that had one before are moved by a function of their own, because a
// counterpart's answer moves them too, without any lease.

import { CRASHES_BEFORE_ISOLATION, HISTORY_MAX } from '../../../domain/index.js'
import { NOW, PLANNED_ONCE } from './function-settings.js'
import type { SqlMigration } from './sql-migration.js'

/**
 * The outcomes that an execution reports, as arrays; `p_place` says which lease each belongs to. `p_notes` is empty where no update
 * has any, and else has their JSON, see report-columns.ts.
 */
const REPORT = `p_update_places integer[], p_updated integer[], p_states text[], p_attempts integer[], p_delays bigint[],
  p_errors text[], p_results text[], p_notes text[], p_finished_places integer[], p_finished integer[]`
const REPORTED = `p_update_places, p_updated, p_states, p_attempts, p_delays, p_errors, p_results, p_notes, p_finished_places,
  p_finished`

const DUE = "('scheduled', 'retrying', 'reconciling', 'pending', 'compensating')"
const OVER = "('succeeded', 'failed', 'dead', 'cancelled', 'compensated')"
const UNSUCCESSFUL = "('failed', 'dead', 'cancelled', 'compensated')"

/** The notes of `news`, as columns. A memo that is absent stays as it was; an empty one clears it. */
const NOTED = `left join lateral json_to_record(news.notes::json) as noted (
      stage text, memo text, ordering_key text, token_hash text, token_ms bigint, fingerprint text, worker text, duration text,
      deferred boolean) on true`

/** An attempt as a row's history keeps it; `stage` is SQL for what was tried. */
const attempt = (stage: string) => `format('{"attempt":%s%s%s,"at":%s,"error":%s}', news.attempts,
          ',"stage":"' || ${stage} || '"', ',"workerId":' || to_json(news.worker) || ',"durationMs":' || news.duration, p_now,
          coalesce(news.error, 'null'))`

const TOKEN = `case when news.state = 'pending' then news.token_hash end`
const TOKEN_EXPIRES_AT = `case when news.state = 'pending' then p_now + news.token_ms end`

/**
 * Rows that the caller has locked, with their chunks, become what is said of them. Those that another chunk than `p_carrier` carries
 * (null = that any does) stay as they are. `p_stage`: what was tried; null = execute.
 */
const MOVE_ROWS = `
create function @.move_rows_1(
  p_now bigint, p_carrier bigint, p_stage text, p_chunk_ids uuid[], p_indexes integer[], p_states text[], p_attempts integer[],
  p_delays bigint[], p_errors text[], p_results text[], p_notes text[]
) returns void language plpgsql as $$
begin
  with named as (
    select * from unnest(p_chunk_ids, p_indexes, p_states, p_attempts, p_delays, p_errors, p_results, p_notes)
      as news (chunk_id, idx, state, attempts, delay_ms, error, result, notes) ${NOTED}
  ), moved as (
    update @.parked set state = news.state, attempts = news.attempts, carrier = null, next_at = null,
      due_at = case when news.state in ${DUE} then p_now + coalesce(news.delay_ms, 0) end,
      finished_at = case when news.state in ${OVER} then p_now end,
      error = case when news.deferred then coalesce(news.error, parked.error) else news.error end, result = news.result,
      stage = nullif(news.stage, 'execute'),
      memo = case when news.memo is null then parked.memo else nullif(news.memo, '') end,
      ordering_key = news.ordering_key, fingerprint = news.fingerprint,
      token_hash = ${TOKEN}, token_expires_at = ${TOKEN_EXPIRES_AT},
      history = case when news.deferred then parked.history else
        (coalesce(parked.history, '{}') || ${attempt('p_stage')})[
          greatest(1, cardinality(coalesce(parked.history, '{}')) + 2 - ${HISTORY_MAX}):] end
    from named news
    where parked.chunk_id = news.chunk_id and parked.idx = news.idx and parked.carrier is not distinct from p_carrier
    returning parked.origin, parked.state
  )
  update @.chunks set open = open - counts.ended, unsuccessful = unsuccessful + counts.bad,
    ended_at = greatest(ended_at, p_now)
  from (
    select moved.origin, count(*) filter (where moved.state in ${OVER}) as ended,
      count(*) filter (where moved.state in ${UNSUCCESSFUL}) as bad
    from moved group by moved.origin
  ) counts
  where chunks.seq = counts.origin;
end
$$;
`

/** What is reported of the commands of one chunk that are still live: the first word counts. */
const NEWS = `
create function @.news_2(p_place integer, p_size integer, p_skip integer[], ${REPORT})
returns table (
  idx integer, state text, attempts integer, delay_ms bigint, error text, result text, notes text
) language plpgsql as $$
#variable_conflict use_column
begin
  return query
    select distinct on (named.idx) named.idx, named.state, named.attempts, named.delay_ms, named.error, named.result,
      named.notes
    from (
      select updated.idx, updated.state, updated.attempts, updated.delay_ms, updated.error, updated.result, updated.notes,
        updated.nth
      from unnest(p_update_places, p_updated, p_states, p_attempts, p_delays, p_errors, p_results, p_notes)
        with ordinality as updated (place, idx, state, attempts, delay_ms, error, result, notes, nth)
      where updated.place = p_place
      union all
      select finished.idx, 'succeeded', null, 0, null, null, null, cardinality(p_updated) + finished.nth
      from unnest(p_finished_places, p_finished) with ordinality as finished (place, idx, nth)
      where finished.place = p_place
    ) named
    where named.idx >= 0 and named.idx < p_size and named.idx <> all(p_skip)
    order by named.idx, named.nth;
end
$$;

-- The same for a promoted chunk, with the commands it carries. With p_complete every other live one succeeded too. What succeeds
-- without a word ends in the stage of the chunk.
create function @.carried_news_2(p_place integer, p_chunk @.chunks, p_members json, p_complete boolean, ${REPORT})
returns table (
  idx integer, chunk_id uuid, origin_idx integer, state text, attempts integer, delay_ms bigint, error text, result text,
  notes text
) language plpgsql as $$
#variable_conflict use_column
begin
  return query
    select members.idx, left(members.id, 32)::uuid, substr(members.id, 34)::integer,
      coalesce(news.state, 'succeeded'),
      coalesce(news.attempts, members.attempts + case when p_chunk.stage is null
        then least(p_chunk.expiries, ${CRASHES_BEFORE_ISOLATION}) + 1 else 0 end),
      news.delay_ms, news.error, news.result,
      case when news.attempts is null and p_chunk.stage is not null
        then json_build_object('stage', p_chunk.stage)::text else news.notes end
    from (
      select (nth - 1)::integer as idx, member ->> 'id' as id, (member ->> 'attempts')::integer as attempts
      from json_array_elements(p_members) with ordinality as members (member, nth)
    ) members
    left join @.news_2(p_place, p_chunk.size, coalesce(p_chunk.skip, '{}'), ${REPORTED}) news on news.idx = members.idx
    where members.idx <> all(coalesce(p_chunk.skip, '{}')) and (p_complete or news.idx is not null);
end
$$ set enable_hashjoin = on;
`

/** Writes what is reported of a chunk that the caller has locked; answers how many of its commands are still live. */
const PROGRESS = `
create function @.carried_progress_1(p_now bigint, p_chunk @.chunks, p_place integer, p_complete boolean, ${REPORT})
returns integer[] language plpgsql as $$
declare
  v_over integer[];
  v_ids uuid[];
  v_indexes integer[];
  v_states text[];
  v_attempts integer[];
  v_delays bigint[];
  v_errors text[];
  v_results text[];
  v_notes text[];
begin
  select array_agg(news.idx), array_agg(news.chunk_id), array_agg(news.origin_idx), array_agg(news.state),
      array_agg(news.attempts), array_agg(news.delay_ms), array_agg(news.error), array_agg(news.result), array_agg(news.notes)
    into v_over, v_ids, v_indexes, v_states, v_attempts, v_delays, v_errors, v_results, v_notes
    from @.carried_news_2(p_place, p_chunk, (select members from @.bodies where seq = p_chunk.seq)::json, p_complete,
      ${REPORTED}) news;
  if v_over is not null then
    perform @.move_rows_1(p_now, p_chunk.seq, p_chunk.stage, v_ids, v_indexes, v_states, v_attempts, v_delays, v_errors,
      v_results, v_notes);
  end if;
  return v_over;
end
$$;

create function @.progress_2(p_now bigint, p_seq bigint, p_place integer, p_complete boolean, ${REPORT})
returns integer language plpgsql as $$
declare
  v_chunk @.chunks;
  v_over integer[];
  v_silent integer := 0;
  v_open integer := 0;
  v_unsuccessful integer := 0;
begin
  select * into v_chunk from @.chunks where seq = p_seq;
  if v_chunk.promoted then
    v_over := @.carried_progress_1(p_now, v_chunk, p_place, p_complete, ${REPORTED});
  else
    with news as materialized (
      select * from @.news_2(p_place, v_chunk.size, coalesce(v_chunk.skip, '{}'), ${REPORTED})
    ), rows as (
      insert into @.parked (chunk_id, origin, due_at, accepted_at, finished_at, idx, priority, partition, attempts, state,
        queue, type, error, result, history, stage, memo, ordering_key, token_hash, token_expires_at, fingerprint)
      select v_chunk.id, p_seq, case when news.state in ${DUE} then p_now + news.delay_ms end, v_chunk.created_at,
        case when news.state in ${OVER} then p_now end, news.idx, v_chunk.priority, v_chunk.partition, news.attempts,
        news.state, v_chunk.queue, v_chunk.type, news.error, news.result,
        case when news.deferred is not true then array[${attempt('v_chunk.stage')}] end,
        nullif(news.stage, 'execute'), nullif(news.memo, ''), news.ordering_key, ${TOKEN}, ${TOKEN_EXPIRES_AT},
        news.fingerprint
      from (select * from news ${NOTED} where news.state <> 'succeeded') news
    ), results as (
      insert into @.results (seq, idx, result)
      select p_seq, news.idx, news.result from news where news.state = 'succeeded' and news.result is not null
    )
    select array_agg(news.idx), count(*) filter (where news.state = 'succeeded'),
      count(*) filter (where news.state not in ${OVER}), count(*) filter (where news.state in ${UNSUCCESSFUL})
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
create function @.settle_2(
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
      perform @.progress_2(v_now, v_seq, place, p_completes[place], ${REPORTED});
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
create function @.extend_2(
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
    live := @.progress_2(v_now, v_seq, place, false, ${REPORTED});
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
`

export const settleNotes: SqlMigration = {
  version: 10,
  name: 'settle notes',
  sql: [MOVE_ROWS, NEWS, PROGRESS, SETTLE, EXTEND].join(''),
}
