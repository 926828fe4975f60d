// The tables of the first release. Rows that change often (chunks) are small, because SQLite rewrites a whole record on every
// update; bodies, which never change, have a table of their own. Partial indexes hold only what is waiting.

import type { Migration } from '../../../ports/index.js'

/** Rows that are looked for by state. An OR, because SQLite sees that one of its terms implies it. */
const LISTED = ['scheduled', 'retrying', 'failed', 'dead', 'cancelled']
  .map((state) => `state = '${state}'`)
  .join(' or ')

export const foundation: Migration = {
  version: 1,
  name: 'foundation',
  sql: `
create table spillway_chunks (
  seq integer primary key,               -- commit order
  id text not null unique,
  queue text not null,
  type text not null,
  priority integer not null,
  partition integer,
  codec text not null,
  state text not null check (state in ('ready', 'leased', 'done')),
  blocked integer not null,              -- 1: an older chunk of its partition is not done
  promoted integer not null,             -- 1: carries parked commands; their rows say what becomes of them
  size integer not null,
  accepted integer not null,             -- commands stored for the first time by this chunk
  live integer not null,                 -- commands that wait or run in this chunk
  succeeded integer not null default 0,  -- commands that succeeded without ever having a row
  skip text,                             -- JSON: indexes not to run
  absent text,                           -- JSON: [index, verdict, first id] of commands that were not stored
  token integer not null default 0,
  leased_by text,
  lease_expires_at integer,
  expiries integer not null default 0,
  cursor integer,
  open integer not null default 0,         -- rows of its commands that are not terminal
  unsuccessful integer not null default 0, -- rows of its commands that failed, died or were cancelled
  created_at integer not null,
  ended_at integer not null              -- when the last of its commands so far ended
) strict;

create index spillway_chunks_ready on spillway_chunks
  (queue, blocked, type, priority desc, seq, live, created_at) where state = 'ready';
create index spillway_chunks_leased on spillway_chunks
  (queue, lease_expires_at, live) where state = 'leased';
create index spillway_chunks_partition on spillway_chunks
  (queue, partition, seq) where partition is not null and state <> 'done';
create index spillway_chunks_ended on spillway_chunks
  (ended_at) where state = 'done' and open = 0 and unsuccessful = 0;
create index spillway_chunks_ended_badly on spillway_chunks
  (ended_at) where state = 'done' and open = 0 and unsuccessful > 0;

create table spillway_bodies (
  seq integer primary key,               -- of the chunk
  body text not null,                    -- JSON array of the payloads
  members text                           -- JSON array of the commands a promoted chunk carries
) strict;

create table spillway_results (
  seq integer not null,                  -- of the chunk
  idx integer not null,
  result text not null,                  -- JSON
  primary key (seq, idx)
) strict, without rowid;

create table spillway_keys (
  scope text not null,
  key text not null,
  chunk_id text not null,                -- the command that came first
  idx integer not null,
  fingerprint text not null,
  expires_at integer not null,
  primary key (scope, key)
) strict, without rowid;

-- The keys of one chunk again, to find what expired without an index entry per key.
create table spillway_key_groups (
  expires_at integer not null,           -- all of them do
  chunk_id text not null,
  scope text not null,
  keys text not null,                    -- JSON array
  primary key (expires_at, chunk_id)
) strict, without rowid;

create table spillway_parked (
  chunk_id text not null,                -- the chunk it was submitted in
  idx integer not null,
  queue text not null,
  type text not null,
  priority integer not null,
  partition integer,
  state text not null check (state in ('scheduled', 'retrying', 'promoted', 'succeeded', 'failed', 'dead', 'cancelled')),
  attempts integer not null,
  next_at integer,                       -- due, while scheduled or retrying
  carrier integer,                       -- seq of the chunk it was promoted into
  accepted_at integer not null,
  finished_at integer,
  generation integer not null default 0,
  error text,                            -- JSON {code, message, stack}
  result text,                           -- JSON
  history text,                          -- JSON array of {attempt, at, error}
  primary key (chunk_id, idx)
) strict;
create index spillway_parked_due on spillway_parked (next_at) where next_at is not null;
create index spillway_parked_state on spillway_parked (state, chunk_id, idx) where ${LISTED};
create index spillway_parked_queue on spillway_parked (queue, state) where ${LISTED};

create table spillway_queues (
  name text primary key,
  paused integer not null default 0
) strict, without rowid;

-- What a probe writes and removes again.
create table spillway_probes (
  seq integer primary key,
  filler blob not null
) strict;

-- Every stored command with its payload, for people.
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
    payloads.value as payload
  from spillway_chunks chunks
  join spillway_bodies bodies on bodies.seq = chunks.seq
  join json_each(bodies.body) payloads
  left join spillway_parked parked on parked.chunk_id = chunks.id and parked.idx = payloads.key
  left join spillway_chunks carriers on carriers.seq = parked.carrier
  left join spillway_results results on results.seq = chunks.seq and results.idx = payloads.key
  where chunks.promoted = 0
    and not exists (select 1 from json_each(chunks.absent) where value ->> 0 = payloads.key);
`,
}
