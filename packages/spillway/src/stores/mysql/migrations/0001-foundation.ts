// The tables of the first release. What SQLite solves with partial indexes is solved with columns here: `precedence` instead of a
// descending index, `ended_badly` instead of a condition. Bodies live in the chunk's own row: InnoDB keeps long ones on pages of
// their own, so that a change of state does not touch them. Text is compared byte by byte; ids are text, so that people can read them.

import type { StatementMigration } from './migration.js'

const TABLE = 'engine = InnoDB default charset = utf8mb4 collate = utf8mb4_bin row_format = dynamic'

/** Two of them: one takes the new keys, the other is only looked up until all its keys have expired; then it is truncated. */
const keysTable = (slot: 0 | 1): string => `
create table if not exists spillway_keys_${slot} (
  scope varbinary(100) not null,            -- the command type
  idempotency_key varbinary(1530) not null, -- UTF-8, 255 characters with escapes
  chunk_id binary(16) not null,             -- the command that came first
  idx int not null,
  fingerprint varbinary(128) not null,
  expires_at bigint not null,
  primary key (scope, idempotency_key)
) ${TABLE}`

export const foundation: StatementMigration = {
  version: 1,
  name: 'foundation',
  servesFrom: 1,
  statements: [
    `
create table if not exists spillway_chunks (
  seq bigint not null auto_increment,    -- commit order of a partition and of a producer
  id char(32) not null,
  queue varchar(100) not null,
  type varchar(100) not null,
  priority smallint not null,
  precedence smallint not null,          -- minus the priority: what is claimed first is smaller
  partition_no int,
  codec varchar(16) not null,
  state enum ('ready', 'leased', 'done') not null,
  blocked tinyint not null,              -- 1: an older chunk of its partition is not done
  promoted tinyint not null,             -- 1: carries parked commands; their rows say what becomes of them
  size int not null,
  accepted int not null,                 -- commands stored for the first time by this chunk
  live int not null,                     -- commands that wait or run in this chunk
  succeeded int not null default 0,      -- commands that succeeded without ever having a row
  token bigint not null default 0,
  leased_by varchar(255),                -- whoever had it last
  lease_expires_at bigint not null default 0,
  expiries int not null default 0,
  cursor_idx int,
  open int not null default 0,           -- rows of its commands that are not terminal
  unsuccessful int not null default 0,   -- rows of its commands that failed, died or were cancelled
  ended_badly tinyint generated always as (unsuccessful > 0) stored,
  created_at bigint not null,
  ended_at bigint not null,              -- when the last of its commands so far ended
  skip mediumtext,                       -- JSON: indexes not to run, ascending
  absent mediumtext,                     -- JSON: [index, verdict, first id] of commands that were not stored
  members longtext,                      -- JSON: the commands a promoted chunk carries
  body longtext not null,                -- JSON array of the payloads
  primary key (seq),
  unique key spillway_chunks_id (id),
  key spillway_chunks_ready (state, queue, blocked, type, precedence, seq, live, created_at),
  key spillway_chunks_leased (state, queue, lease_expires_at, live),
  key spillway_chunks_partition (partition_no, queue, state, seq),
  key spillway_chunks_ended (state, open, ended_badly, ended_at)
) ${TABLE}`,
    `
create table if not exists spillway_results (
  seq bigint not null,                   -- of the chunk
  idx int not null,
  result mediumtext not null,            -- JSON
  primary key (seq, idx)
) ${TABLE}`,
    keysTable(0),
    keysTable(1),
    `
-- Which of the key tables is written: spillway_keys_<generation % 2>. Appends share a lock on the row, a switch excludes them.
create table if not exists spillway_key_ring (
  id tinyint not null,                   -- 1
  generation int not null,               -- counts the switches
  window_ms bigint not null,             -- longest window of a key of this generation; 0: it has none
  aging_until bigint not null,           -- when every key of the other table has expired
  primary key (id)
) ${TABLE}`,
    'insert ignore into spillway_key_ring (id, generation, window_ms, aging_until) values (1, 0, 0, 0)',
    `
create table if not exists spillway_parked (
  chunk_id char(32) not null,            -- the chunk it was submitted in
  idx int not null,
  queue varchar(100) not null,
  type varchar(100) not null,
  priority smallint not null,
  partition_no int,
  state enum ('scheduled', 'retrying', 'promoted', 'succeeded', 'failed', 'dead', 'cancelled') not null,
  attempts int not null,
  next_at bigint,                        -- due, while scheduled or retrying
  carrier bigint,                        -- seq of the chunk it was promoted into
  accepted_at bigint not null,
  finished_at bigint,
  generation int not null default 0,
  error mediumtext,                      -- JSON {code, message, stack}
  result mediumtext,                     -- JSON
  history mediumtext,                    -- JSON array of {attempt, at, error}
  primary key (chunk_id, idx),
  key spillway_parked_due (next_at),
  key spillway_parked_state (state),
  key spillway_parked_queue (queue, state)
) ${TABLE}`,
    `
create table if not exists spillway_queues (
  name varchar(100) not null,
  paused tinyint not null default 0,
  pause_reason varchar(500),
  leases_max int,                        -- chunks leased at once; null: no limit
  primary key (name)
) ${TABLE}`,
    `
-- A row to lock per partition of an ordered queue: whoever adds or ends a chunk of it does so alone.
create table if not exists spillway_partitions (
  queue varchar(100) not null,
  partition_no int not null,
  primary key (queue, partition_no)
) ${TABLE}`,
    `
create table if not exists spillway_nodes (
  id varchar(255) not null,
  host varchar(255) not null,
  pid int not null,
  version varchar(100) not null,
  roles varchar(1000) not null,          -- JSON array
  started_at bigint not null,
  seen_at bigint not null,
  ttl_ms bigint not null,
  primary key (id),
  key spillway_nodes_seen (seen_at)
) ${TABLE}`,
    `
create table if not exists spillway_roles (
  role varchar(255) not null,
  node_id varchar(255) not null,
  token bigint not null,                 -- rises with every change of the holder
  expires_at bigint not null,
  primary key (role)
) ${TABLE}`,
    `
-- What a probe writes and removes again.
create table if not exists spillway_probes (
  seq bigint not null auto_increment,
  filler blob not null,
  primary key (seq)
) ${TABLE}`,
    `
-- Holds the row 1. Inserting it again fails: by that a list of statements sent at once stops before its commit.
create table if not exists spillway_stops (
  id tinyint not null,
  primary key (id)
) ${TABLE}`,
    'insert ignore into spillway_stops (id) values (1)',
    `
-- Every stored command with its payload, for people.
create or replace sql security invoker view spillway_commands as
  select
    concat(chunks.id, '-', payloads.place - 1) as id,
    chunks.queue,
    chunks.type,
    case
      when parked.state = 'promoted' then if(carriers.state = 'leased', 'running', 'accepted')
      when parked.state is not null then concat(parked.state, '')
      when chunks.state = 'done' then 'succeeded'
      when json_contains(coalesce(chunks.skip, '[]'), concat(payloads.place - 1, '')) then 'succeeded'
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
    json_extract(chunks.body, concat('$[', payloads.place - 1, ']')) as payload
  from spillway_chunks chunks
  join json_table(chunks.body, '$[*]' columns (place for ordinality)) payloads
  left join spillway_parked parked on parked.chunk_id = chunks.id and parked.idx = payloads.place - 1
  left join spillway_chunks carriers on carriers.seq = parked.carrier
  left join spillway_results results on results.seq = chunks.seq and results.idx = payloads.place - 1
  where chunks.promoted = 0
    and not json_contains(coalesce(json_extract(chunks.absent, '$[*][0]'), '[]'), concat(payloads.place - 1, ''))`,
  ],
}
