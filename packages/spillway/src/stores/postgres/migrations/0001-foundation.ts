// The tables of the first release. Rows that change often (chunks) are small, because PostgreSQL writes a whole new row on
// every update; bodies, which never change, have a table of their own. Partial indexes hold only what is waiting.
//
// Whoever changes rows keeps these rules, so that any number of processes behave as one:
// - Row locks are taken in one order: chunks by seq (a promoted chunk together with the chunks its commands came from), then
//   parked rows by (chunk_id, idx). What is claimed is locked with SKIP LOCKED, so a claim never waits.
// - Whoever adds or ends a chunk of a partition first takes `lock_partitions_1`, before any row lock: appends, ends and
//   unblocks of one partition then follow each other, and seq is its commit order.
// - Appends hold `pg_advisory_xact_lock_shared('<schema>.key_ring'::regclass::oid::bigint)`; what changes key_ring or empties
//   a table of keys holds it exclusively, and looks at key_ring only after it has it.

import type { SqlMigration } from './sql-migration.js'

/** Rows that are looked for by state. */
const LISTED = "state in ('scheduled', 'retrying', 'failed', 'dead', 'cancelled')"

const CHUNKS = `
create table @.chunks (
  seq bigint generated always as identity primary key, -- commit order, within a partition exactly
  id uuid not null,
  token bigint not null default 0,
  created_at bigint not null,             -- all times are milliseconds since the epoch
  ended_at bigint not null,               -- when the last of its commands so far ended
  lease_expires_at bigint,
  partition integer,
  priority integer not null,
  size integer not null,
  accepted integer not null,              -- commands stored for the first time by this chunk
  live integer not null,                  -- commands that wait or run in this chunk
  succeeded integer not null default 0,   -- commands that succeeded without ever having a row
  open integer not null default 0,         -- rows of its commands that are not terminal
  unsuccessful integer not null default 0, -- rows of its commands that failed, died or were cancelled
  expiries integer not null default 0,
  cursor integer,
  blocked boolean not null,               -- an older chunk of its partition is not done
  promoted boolean not null,              -- carries parked commands; their rows say what becomes of them
  state text collate "C" not null check (state in ('ready', 'leased', 'done')),
  queue text collate "C" not null,
  type text collate "C" not null,
  codec text collate "C" not null,
  leased_by text,
  skip integer[],                         -- indexes not to run, ascending; null when there are none
  absent text,                            -- JSON: [index, verdict, first id] of commands that were not stored
  constraint chunks_id unique (id)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05);

create index chunks_ready on @.chunks (queue, blocked, type, priority desc, seq) where state = 'ready';
create index chunks_leased on @.chunks (queue, seq) where state = 'leased';
create index chunks_partition on @.chunks (queue, partition, seq) where partition is not null and state <> 'done';
create index chunks_ended on @.chunks (ended_at) where state = 'done' and open = 0 and unsuccessful = 0;
create index chunks_ended_badly on @.chunks (ended_at) where state = 'done' and open = 0 and unsuccessful > 0;

create table @.bodies (
  seq bigint primary key,                 -- of the chunk
  body text not null,                     -- JSON array of the payloads
  members text                            -- JSON array of the commands a promoted chunk carries
);
-- lz4 writes a fifth of the bytes for less work than it saves; where the server lacks it, not compressing is cheaper than pglz.
do $compression$ begin
  execute format('alter table %s alter column body set compression lz4', '@.bodies'::regclass);
exception when syntax_error or feature_not_supported or invalid_parameter_value then
  alter table @.bodies alter column body set storage external;
end $compression$;

create table @.results (
  seq bigint not null,                    -- of the chunk
  idx integer not null,
  result text not null,                   -- JSON
  primary key (seq, idx)
);
`

const KEYS = `
-- Two tables of keys take turns: new keys go to the current one, the other is only looked up. When all of its keys have
-- expired it is emptied by truncating it, which costs nothing per key, and becomes the current one.
create table @.keys_0 (
  expires_at bigint not null,
  idx integer not null,
  chunk_id uuid not null,                 -- the command that came first
  key text collate "C" not null,          -- the command's type, a line feed, and its key (domain/key-text.ts)
  fingerprint text collate "C" not null,
  constraint keys_0_key primary key (key)
);
create table @.keys_1 (
  expires_at bigint not null,
  idx integer not null,
  chunk_id uuid not null,
  key text collate "C" not null,
  fingerprint text collate "C" not null,
  constraint keys_1_key primary key (key)
);
create table @.key_ring (
  single boolean primary key default true check (single),
  current integer not null check (current in (0, 1)),
  other_expires_at bigint                 -- when the last key of the other table expires; null when it is empty
);
insert into @.key_ring (current) values (0);
`

const PARKED = `
create table @.parked (
  chunk_id uuid not null,                 -- the chunk it was submitted in
  origin bigint not null,                 -- its seq
  carrier bigint,                         -- seq of the chunk it was promoted into
  next_at bigint,                         -- due, while scheduled or retrying
  accepted_at bigint not null,
  finished_at bigint,
  idx integer not null,
  priority integer not null,
  partition integer,
  attempts integer not null,
  generation integer not null default 0,
  state text collate "C" not null
    check (state in ('scheduled', 'retrying', 'promoted', 'succeeded', 'failed', 'dead', 'cancelled')),
  queue text collate "C" not null,
  type text collate "C" not null,
  error text,                             -- JSON {code, message, stack}
  result text,                            -- JSON
  history text[],                         -- JSON {attempt, at, error}, oldest first
  primary key (chunk_id, idx)
) with (fillfactor = 80);
create index parked_due on @.parked (next_at, chunk_id, idx) where next_at is not null;
create index parked_carrier on @.parked (carrier) where carrier is not null;
create index parked_listed on @.parked (state, chunk_id, idx) include (queue) where ${LISTED};
`

const SHARED = `
create table @.queues (
  name text collate "C" primary key,
  paused boolean not null default false,
  pause_reason text,
  leases_max integer
);

create table @.nodes (
  id text collate "C" primary key,
  host text not null,
  pid integer not null,
  version text not null,
  roles text[] not null,
  started_at bigint not null,
  seen_at bigint not null,
  ttl_ms bigint not null
);

create table @.roles (
  role text collate "C" primary key,
  node_id text not null,
  token bigint not null,
  expires_at bigint not null
);

-- What a probe writes and removes again.
create table @.probes (
  seq bigint generated always as identity primary key,
  filler text not null
);
`

const VIEW = `
-- Every stored command with its payload, for people.
create view @.commands as
  select
    replace(chunks.id::text, '-', '') || '-' || (payloads.position - 1) as id,
    chunks.queue,
    chunks.type,
    case
      when parked.state = 'promoted' then case when carriers.state = 'leased' then 'running' else 'accepted' end
      when parked.state is not null then parked.state
      when chunks.state = 'done' then 'succeeded'
      when (payloads.position - 1)::integer = any(chunks.skip) then 'succeeded'
      when chunks.state = 'leased' then 'running'
      else 'accepted'
    end as state,
    chunks.priority,
    to_timestamp(chunks.created_at / 1000.0) as accepted_at,
    parked.attempts,
    to_timestamp(parked.next_at / 1000.0) as next_at,
    to_timestamp(parked.finished_at / 1000.0) as finished_at,
    parked.error,
    coalesce(parked.result, results.result) as result,
    payloads.value as payload
  from @.chunks chunks
  join @.bodies bodies on bodies.seq = chunks.seq
  cross join lateral json_array_elements(bodies.body::json) with ordinality payloads (value, position)
  left join @.parked parked on parked.chunk_id = chunks.id and parked.idx = payloads.position - 1
  left join @.chunks carriers on carriers.seq = parked.carrier
  left join @.results results on results.seq = chunks.seq and results.idx = payloads.position - 1
  where not chunks.promoted
    and not exists (
      select 1 from json_array_elements(chunks.absent::json) absences
      where (absences ->> 0)::integer = payloads.position - 1);
`

export const foundation: SqlMigration = {
  version: 1,
  name: 'foundation',
  sql: [CHUNKS, KEYS, PARKED, SHARED, VIEW].join(''),
}
