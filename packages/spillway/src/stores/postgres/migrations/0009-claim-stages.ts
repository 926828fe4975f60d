// Leasing chunks of any stage, of one tenant, or oldest first; and what a worker must know before it starts: which commands of a
// partition hold up later ones of their key.

import { NOW, PLANNED_ONCE } from './function-settings.js'
import type { SqlMigration } from './sql-migration.js'

/** As in the first version of claim. */
const SLACK = 16
const LOOKS_MAX = 6

const HOLDING = `ordering_key is not null
  and state in ('retrying', 'reconciling', 'pending', 'compensating', 'promoted', 'dead')`

/** The next key of the partition after `after`, or the first, under which somebody holds up others. */
const nextKey = (after: string) => `least(
      (select coalesce(ordering_key, '') from @.parked
        where ${HOLDING} and queue = p_queue and coalesce(partition, -1) = p_partition ${after}
        order by coalesce(ordering_key, '') limit 1),
      (select coalesce(ordering_key, '') from @.parked
        where state = 'blocked' and queue = p_queue and coalesce(partition, -1) = p_partition ${after}
        order by coalesce(ordering_key, '') limit 1))`

const firstOf = (states: string) => `
      (select origin, idx from @.parked
        where ${states} and queue = p_queue and coalesce(partition, -1) = p_partition
          and coalesce(ordering_key, '') = keys.key and carrier is distinct from p_seq
        order by origin, idx limit 1)`

/** Per ordering key the first row that holds up others and is not carried by this chunk: JSON [key, seq, index]. */
const BLOCKERS = `
create function @.blockers_1(p_queue text, p_partition integer, p_seq bigint) returns text language plpgsql as $$
begin
  return (
    with recursive keys (key) as (
      select ${nextKey('')}
      union all
      select ${nextKey("and coalesce(ordering_key, '') > keys.key")} from keys where keys.key is not null
    )
    select coalesce(json_agg(json_build_array(keys.key, first.origin, first.idx)), '[]')::text
    from keys cross join lateral (
      select * from (${firstOf(HOLDING)}
        union all ${firstOf("state = 'blocked'")}
      ) holders order by origin, idx limit 1
    ) first
    where keys.key > '');
end
$$;
`

/** Not said by `=`, or the planner would see no use in an index that is sorted by priority, and read the table in the order of seq. */
const ONE_PRIORITY = 'priority between priorities.priority and priorities.priority'

/** The chunks of a type that are ready, of all tenants or of one: priority by priority, because the index is sorted by that first. */
const oldest = (ofTenant: string) => `
        with recursive priorities (priority) as (
          select (select max(priority) from @.chunks where ${ofTenant})
          union all
          select (select max(priority) from @.chunks where ${ofTenant} and priority < priorities.priority)
          from priorities where priorities.priority is not null
        )
        select ready.seq, ready.priority from priorities cross join lateral (
          select seq, priority from @.chunks where ${ofTenant} and ${ONE_PRIORITY}
          order by priority desc, seq limit p_limit) ready
        order by ready.seq limit p_limit`

const READY = "state = 'ready' and queue = p_queue and not blocked and type = wanted.type"
const READY_OF_TENANT = `${READY} and tenant = p_tenant`

const looking = (ready: string, order: string) => `
    return query
      select found.seq from (
        (select seq, priority from @.chunks
          where state = 'leased' and queue = p_queue and lease_expires_at <= p_now and type = any(p_types)
            and (p_tenant is null or tenant = p_tenant)
          order by ${order} limit p_limit)
        union all
        select ready.seq, ready.priority from unnest(p_types) as wanted (type) cross join lateral (${ready}) ready
      ) found
      order by ${order.replaceAll(/priority|seq/g, 'found.$&')} limit p_limit;`

const best = (which: string) => `
        select seq, priority from @.chunks where ${which} order by priority desc, seq limit p_limit`

/** As candidates_1, which finds the best of all tenants: here of one, or the oldest, where `p_tenant` is null for all of them. */
const CANDIDATES = `
create function @.candidates_2(p_now bigint, p_queue text, p_types text[], p_tenant text, p_oldest boolean, p_limit integer)
returns table (seq bigint) language plpgsql as $$
#variable_conflict use_column
begin
  if p_oldest and p_tenant is null then ${looking(oldest(READY), 'seq')}
  elsif p_oldest then ${looking(oldest(READY_OF_TENANT), 'seq')}
  else ${looking(best(READY_OF_TENANT), 'priority desc, seq')}
  end if;
end
$$;
`

/** Types as chunks have them: a line feed follows where the commands are in another stage than execute. */
const NAME_TYPES = `
  if exists (select 1 from @.chunks where stage is not null and state <> 'done' and queue = p_queue) then
    v_types := v_types || array(select type || chr(10) from unnest(p_types) as named (type));
  end if;`

const CLAIM = `
create function @.claim_2(
  p_now bigint, p_queue text, p_types text[], p_chunks_max integer, p_commands_max integer, p_lease_ms bigint,
  p_worker text, p_tenant text, p_oldest boolean
) returns table (
  id text, token bigint, type text, priority integer, partition integer, tenant text, stage text, codec text, size integer,
  skip text, expiries integer, cursor integer, created_at bigint, body text, members text, blockers text
) language plpgsql as $$
#variable_conflict use_column
declare
  v_room integer := @.room_1(p_now, p_queue, p_chunks_max);
  v_now bigint := ${NOW};
  v_types text[] := p_types;
  v_limit integer := p_chunks_max + ${SLACK};
  v_found bigint[];
  v_seen integer;
  v_commands bigint := 0;
  v_seqs bigint[] := '{}';
  v_seq bigint;
  v_chunk @.chunks;
begin
  if v_room <= 0 then return; end if;${NAME_TYPES}
  for look in 1..${LOOKS_MAX} loop
    v_seen := 0;
    if p_tenant is null and not p_oldest then
      v_found := array(select found.seq from @.candidates_1(v_now, p_queue, v_types, v_limit) found);
    else
      v_found := array(select found.seq from @.candidates_2(v_now, p_queue, v_types, p_tenant, p_oldest, v_limit) found);
    end if;
    foreach v_seq in array v_found loop
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
  -- The chunks are held by now: what holds up their commands is read by a statement that began after that.
  return query
    select replace(chunks.id::text, '-', ''), chunks.token, rtrim(chunks.type, chr(10)), chunks.priority, chunks.partition,
      nullif(chunks.tenant, ''), chunks.stage, chunks.codec, chunks.size, array_to_string(chunks.skip, ','), chunks.expiries,
      chunks.cursor, chunks.created_at, bodies.body, bodies.members,
      case when chunks.partition is not null then @.blockers_1(chunks.queue, chunks.partition, chunks.seq) end
    from unnest(v_seqs) with ordinality as taken (seq, place)
    join @.chunks on chunks.seq = taken.seq
    join @.bodies on bodies.seq = taken.seq
    order by taken.place;
end
$$ ${PLANNED_ONCE};
`

/** Steps from tenant to tenant through the index: its oldest chunk of a type is the first of one of its priorities. */
const READY_TENANTS = `
create function @.ready_tenants_1(p_now bigint, p_queue text, p_types text[], p_limit integer)
returns table (tenant text, oldest_at bigint) language plpgsql as $$
#variable_conflict use_column
declare
  v_now bigint := ${NOW};
  v_types text[] := p_types;
begin
  if coalesce((select paused from @.queues where name = p_queue), true) then return; end if;${NAME_TYPES}
  return query
    with recursive tenants (name) as (
      select (select min(tenant) from @.chunks where state = 'ready' and not blocked and queue = p_queue)
      union all
      select (select min(tenant) from @.chunks
        where state = 'ready' and not blocked and queue = p_queue and tenant > tenants.name)
      from tenants where tenants.name is not null
    )
    select found.tenant, min(found.created_at) as oldest_at from (
      select chunks.tenant, chunks.created_at from @.chunks
      where state = 'leased' and queue = p_queue and lease_expires_at <= v_now and type = any(v_types)
      union all
      select tenants.name, first.created_at
      from tenants cross join unnest(v_types) as wanted (type) cross join lateral (
        with recursive priorities (priority) as (
          select (select max(priority) from @.chunks where ${READY} and tenant = tenants.name)
          union all
          select (select max(priority) from @.chunks
            where ${READY} and tenant = tenants.name and priority < priorities.priority)
          from priorities where priorities.priority is not null
        )
        select ready.created_at from priorities cross join lateral (
          select seq, created_at from @.chunks
          where ${READY} and tenant = tenants.name and ${ONE_PRIORITY}
          order by priority desc, seq limit 1) ready
        order by ready.seq limit 1
      ) first
      where tenants.name is not null
    ) found
    group by found.tenant order by oldest_at, found.tenant limit p_limit;
end
$$ ${PLANNED_ONCE};
`

export const claimStages: SqlMigration = {
  version: 9,
  name: 'claim stages',
  sql: [BLOCKERS, CANDIDATES, CLAIM, READY_TENANTS].join(''),
}
