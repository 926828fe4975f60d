// What a command waits for when it did not succeed: stages, memos, ordering keys, completion tokens; tenants; what processes
// share; the audit. SQLite cannot widen a check, so the rows of parked commands are copied into a table that allows more states.

import type { Migration } from '../../../ports/index.js'

const OPEN = ['retrying', 'reconciling', 'pending', 'compensating']
const STATES = [
  ...['scheduled', ...OPEN, 'blocked', 'promoted'],
  ...['succeeded', 'failed', 'dead', 'cancelled', 'compensated'],
]

/** Rows that are looked for by state. */
const LISTED = anyOf(['scheduled', ...OPEN, 'blocked', 'failed', 'dead', 'cancelled', 'compensated'])
/** Rows with an ordering key that blocked ones wait for. */
const HOLDING = `ordering_key is not null and (${anyOf([...OPEN, 'promoted', 'dead'])})`

/** An OR, because SQLite sees that one of its terms implies it. */
function anyOf(states: readonly string[]): string {
  return states.map((state) => `state = '${state}'`).join(' or ')
}

export const stages: Migration = {
  version: 4,
  name: 'stages',
  sql: `
drop view spillway_commands;

alter table spillway_chunks add column tenant text;
alter table spillway_chunks add column stage text;               -- of a promoted chunk whose commands are not simply run
alter table spillway_chunks add column bytes integer not null default 0; -- of the body
update spillway_chunks
set bytes = octet_length(coalesce(body, (select bodies.body from spillway_bodies bodies where bodies.seq = spillway_chunks.seq)))
where state <> 'done';

drop index spillway_chunks_ready;
drop index spillway_chunks_leased;
create index spillway_chunks_ready on spillway_chunks
  (queue, blocked, (tenant is not null), type, priority desc, seq, live, created_at, bytes, stage) where state = 'ready';
create index spillway_chunks_tenant on spillway_chunks
  (queue, blocked, tenant, type, priority desc, seq) where state = 'ready' and tenant is not null;
create index spillway_chunks_leased on spillway_chunks
  (queue, lease_expires_at, live, stage) where state = 'leased';

create table spillway_parked_4 (
  chunk_id text not null,                -- the chunk it was submitted in
  idx integer not null,
  queue text not null,
  type text not null,
  priority integer not null,
  partition integer,
  state text not null check (state in (${STATES.map((state) => `'${state}'`).join(', ')})),
  attempts integer not null,
  next_at integer,                       -- due
  carrier integer,                       -- seq of the chunk it was promoted into
  accepted_at integer not null,
  finished_at integer,
  generation integer not null default 0,
  error text,                            -- JSON {code, message, stack}
  result text,                           -- JSON
  history text,                          -- JSON array of {attempt, stage, workerId, durationMs, at, error}
  seq integer,                           -- of the chunk it was submitted in: (seq, idx) is its place in the order
  stage text not null default 'execute' check (stage in ('execute', 'reconcile', 'poll', 'compensate')),
  memo text,                             -- JSON
  ordering_key text,                     -- hash
  token_hash text,                       -- who knows the token may complete it
  token_expires_at integer,
  fingerprint text,                      -- groups rows that failed alike
  payload text,                          -- JSON that takes the place of the one in the chunk
  lane text generated always as (json_array(queue, partition, ordering_key)) stored, -- within it commands keep their order
  primary key (chunk_id, idx)
) strict;
insert into spillway_parked_4 (chunk_id, idx, queue, type, priority, partition, state, attempts, next_at, carrier,
  accepted_at, finished_at, generation, error, result, history, seq)
select parked.chunk_id, parked.idx, parked.queue, parked.type, parked.priority, parked.partition, parked.state,
  parked.attempts, parked.next_at, parked.carrier, parked.accepted_at, parked.finished_at, parked.generation,
  parked.error, parked.result, parked.history, chunks.seq
from spillway_parked parked left join spillway_chunks chunks on chunks.id = parked.chunk_id;
drop table spillway_parked;
alter table spillway_parked_4 rename to spillway_parked;

create index spillway_parked_due on spillway_parked (next_at, seq, idx) where next_at is not null;
create index spillway_parked_state on spillway_parked (state, chunk_id, idx) where ${LISTED};
create index spillway_parked_queue on spillway_parked (queue, state) where ${LISTED};
create index spillway_parked_holding on spillway_parked (lane, seq, idx, carrier) where ${HOLDING};
create index spillway_parked_blocked on spillway_parked (lane, seq, idx) where state = 'blocked';
create index spillway_parked_token on spillway_parked (token_hash, seq, idx) where token_hash is not null;
create index spillway_parked_alike on spillway_parked (state, fingerprint, queue, type, finished_at)
  where fingerprint is not null and (${anyOf(['dead', 'failed'])});

create table spillway_shared (
  key text primary key,
  version integer not null,
  expires_at integer not null,
  value text not null                    -- JSON
) strict;
create index spillway_shared_expiry on spillway_shared (expires_at);

-- One counter for all keys, so that a key never has a version twice, whatever was removed in between.
create table spillway_shared_version (
  id integer primary key check (id = 1),
  version integer not null
) strict;
insert into spillway_shared_version values (1, 0);

create table spillway_audit (
  seq integer primary key autoincrement,
  at integer not null,
  actor text not null,
  action text not null,
  target text not null,
  reason text,
  count integer                          -- commands that were changed
) strict;
create index spillway_audit_at on spillway_audit (at);

create view spillway_commands as
  select
    chunks.id || '-' || payloads.key as id,
    chunks.queue,
    chunks.type,
    case
      when parked.state = 'promoted' then iif(carriers.state = 'leased', 'running', 'accepted')
      when parked.state is not null then parked.state
      when chunks.state = 'done' then 'succeeded'
      when exists (select 1 from json_each(chunks.skip) where value = payloads.key) then 'succeeded'
      when chunks.state = 'leased' then 'running'
      else 'accepted'
    end as state,
    chunks.priority,
    chunks.created_at as accepted_at,
    parked.attempts,
    parked.next_at,
    parked.finished_at,
    parked.error,
    coalesce(parked.result, results.result) as result,
    iif(parked.payload is null, payloads.value, parked.payload ->> '$') as payload
  from spillway_chunks chunks
  left join spillway_bodies bodies on bodies.seq = chunks.seq
  join json_each(coalesce(chunks.body, bodies.body)) payloads
  left join spillway_parked parked on parked.chunk_id = chunks.id and parked.idx = payloads.key
  left join spillway_chunks carriers on carriers.seq = parked.carrier
  left join spillway_results results on results.seq = chunks.seq and results.idx = payloads.key
  where chunks.promoted = 0
    and not exists (select 1 from json_each(chunks.absent) where value ->> 0 = payloads.key);
`,
}
