// What becomes of commands that do not succeed: stages, ordering keys, completion tokens, groups of failures; tenants; values that
// processes share; the audit. Columns are added with defaults and indexes while others write, so that the release before works on:
// it must be gone before the first command waits in another stage than `execute`, because it would run that one's handler.

import type { StatementMigration } from './migration.js'

const TABLE = 'engine = InnoDB default charset = utf8mb4 collate = utf8mb4_bin row_format = dynamic'
const STAGE = "enum ('execute', 'reconcile', 'poll', 'compensate') not null default 'execute'"

export const stages: StatementMigration = {
  version: 2,
  name: 'stages',
  servesFrom: 1,
  statements: [
    `
alter table spillway_chunks
  add column tenant varchar(100) not null default '', -- whose commands these are, where tenants take turns
  add column stage ${STAGE}, -- what is done with its commands
  add column bytes int not null default 0 -- of the body`,
    `
-- Counting reads the first two indexes and no rows. The third finds the tenants of a queue, and what waits of one of them.
alter table spillway_chunks
  drop index spillway_chunks_ready,
  add index spillway_chunks_ready (state, queue, blocked, type, precedence, seq, live, created_at, stage, bytes),
  drop index spillway_chunks_leased,
  add index spillway_chunks_leased (state, queue, lease_expires_at, live, stage),
  add index spillway_chunks_tenant (state, queue, blocked, type, tenant, precedence, seq),
  lock = none`,
    `
alter table spillway_parked
  modify column state enum ('scheduled', 'retrying', 'promoted', 'succeeded', 'failed', 'dead', 'cancelled',
    'reconciling', 'pending', 'blocked', 'compensating', 'compensated') not null,
  add column stage ${STAGE}, -- what its next turn does, or where it ended
  add column memo text, -- JSON: what its stages leave for each other
  add column place bigint not null default 0, -- seq of the chunk it was submitted in * 65536 + idx
  add column ordering_key varchar(64), -- hash; later commands of the key wait while this one is not over
  add column token_hash varchar(128), -- who shows the token may complete it
  add column token_expires_at bigint,
  add column fingerprint varchar(128), -- of those that failed alike
  add column payload mediumtext -- JSON: edited, instead of what was submitted`,
    `
alter table spillway_parked
  drop index spillway_parked_due,
  add index spillway_parked_due (next_at, place),
  add index spillway_parked_order (state, queue, partition_no, ordering_key, place, carrier),
  add index spillway_parked_alike (state, fingerprint, type, queue, finished_at),
  add index spillway_parked_token (token_hash),
  lock = none`,
    `
create table if not exists spillway_shared (
  name varbinary(1024) not null,
  value mediumtext, -- JSON; null: removed
  version bigint not null,
  expires_at bigint not null, -- the row stays a day longer, for its version
  primary key (name),
  key spillway_shared_expires (expires_at)
) ${TABLE}`,
    `
create table if not exists spillway_audit (
  id bigint not null auto_increment,
  at bigint not null,
  actor varchar(500) not null,
  action varchar(500) not null,
  target varchar(500) not null,
  reason varchar(500),
  commands int, -- that were changed; null: it was not about commands
  primary key (id),
  key spillway_audit_at (at)
) ${TABLE}`,
    `
-- Every stored command with its payload, for people.
create or replace sql security invoker view spillway_commands as
  select
    concat(chunks.id, '-', payloads.place - 1) as id,
    chunks.queue,
    chunks.type,
    case
      when parked.state = 'promoted' then case parked.stage
        when 'reconcile' then 'reconciling'
        when 'poll' then 'pending'
        when 'compensate' then 'compensating'
        else if(carriers.state = 'leased', 'running', 'accepted')
      end
      when parked.state is not null then concat(parked.state, '')
      when chunks.state = 'done' then 'succeeded'
      when json_contains(coalesce(chunks.skip, '[]'), concat(payloads.place - 1, '')) then 'succeeded'
      when chunks.state = 'leased' then 'running'
      else 'accepted'
    end as state,
    chunks.priority,
    chunks.created_at as accepted_at,
    parked.attempts,
    if(parked.state in ('scheduled', 'retrying'), parked.next_at, null) as next_at,
    parked.finished_at,
    parked.error,
    coalesce(parked.result, results.result) as result,
    coalesce(parked.payload, json_extract(chunks.body, concat('$[', payloads.place - 1, ']'))) as payload,
    concat(coalesce(parked.stage, 'execute'), '') as stage,
    parked.memo,
    parked.fingerprint,
    nullif(chunks.tenant, '') as tenant
  from spillway_chunks chunks
  join json_table(chunks.body, '$[*]' columns (place for ordinality)) payloads
  left join spillway_parked parked on parked.chunk_id = chunks.id and parked.idx = payloads.place - 1
  left join spillway_chunks carriers on carriers.seq = parked.carrier
  left join spillway_results results on results.seq = chunks.seq and results.idx = payloads.place - 1
  where chunks.promoted = 0
    and not json_contains(coalesce(json_extract(chunks.absent, '$[*][0]'), '[]'), concat(payloads.place - 1, ''))`,
  ],
}
