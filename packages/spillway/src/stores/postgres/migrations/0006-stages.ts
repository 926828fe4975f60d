// What a row keeps for the command's next turn, what a chunk says of its commands, and two tables of their own: values that
// processes share, and who did what.
//
// A release that knows nothing of stages may run beside this one for a while. So that it cannot execute what is to be asked about or
// undone, `parked.next_at` is left to it: what this release parks is due at `due_at`, which only releases that know stages look at. And the
// type of a chunk that carries commands of another stage than `execute` ends with a line feed, so that nobody claims it by mistake.

import type { SqlMigration } from './sql-migration.js'

const PARKED = `
alter table @.parked
  add column due_at bigint,               -- due, while it waits for its time
  add column token_expires_at bigint,
  add column stage text collate "C",      -- of its next turn, or where it ended; null = execute
  add column ordering_key text collate "C", -- hash; with it the row holds up later commands of the key
  add column token_hash text collate "C", -- whoever shows the token may complete it
  add column fingerprint text collate "C", -- groups rows that failed alike
  add column memo text,                   -- JSON that its stages leave for each other
  add column payload text,                -- JSON, once it was edited
  drop constraint parked_state_check,
  add constraint parked_state_check check (state in ('scheduled', 'retrying', 'reconciling', 'pending', 'blocked', 'compensating',
    'promoted', 'succeeded', 'failed', 'dead', 'cancelled', 'compensated')) not valid;
`

const CHUNKS = `
alter table @.chunks
  add column bytes integer not null default 0, -- of the body
  add column stage text collate "C",      -- of the commands it carries; null = execute
  add column tenant text collate "C" not null default '';
`

const SHARED = `
create table @.shared (
  key text collate "C" primary key,
  version bigint not null,                -- grows with every write of the key, also after the row is gone
  expires_at bigint not null,
  forget_at bigint not null,              -- a full hour after that: rarely changes, which keeps updates off its index
  value text                              -- JSON; null = removed
) with (fillfactor = 50);
create index shared_forget on @.shared (forget_at);

create table @.audit (
  id bigint generated always as identity primary key,
  at bigint not null,
  count integer,
  actor text not null,
  action text not null,
  target text not null,
  reason text
);
create index audit_at on @.audit (at);
`

const VIEW = `
create or replace view @.commands as
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
    to_timestamp(coalesce(parked.due_at, parked.next_at) / 1000.0) as next_at,
    to_timestamp(parked.finished_at / 1000.0) as finished_at,
    parked.error,
    coalesce(parked.result, results.result) as result,
    coalesce(parked.payload::json, payloads.value) as payload,
    coalesce(parked.stage, 'execute') as stage,
    parked.fingerprint,
    nullif(chunks.tenant, '') as tenant
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

export const stages: SqlMigration = {
  version: 6,
  name: 'stages',
  sql: [PARKED, CHUNKS, SHARED, VIEW].join(''),
}
