// What a caller who is alone waits for is the number of pages that his commit writes. A small body stands in the chunk's own
// row, and a chunk of one keeps its key there, from where pruning collects it into a key group: two pages fewer of seven.

import type { Migration } from '../../../ports/index.js'

export const loneChunks: Migration = {
  version: 3,
  name: 'lone-chunks',
  sql: `
alter table spillway_chunks add column body text;                -- if it is small; else in spillway_bodies
alter table spillway_chunks add column lone_key text;            -- of the only command
alter table spillway_chunks add column lone_key_expires_at integer;

-- Up to where the keys of chunks of one were collected into key groups.
create table spillway_lone_keys (
  id integer primary key check (id = 1),
  collected_seq integer not null
) strict;
insert into spillway_lone_keys values (1, 0);

drop view spillway_commands;
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
  left join spillway_bodies bodies on bodies.seq = chunks.seq
  join json_each(coalesce(chunks.body, bodies.body)) payloads
  left join spillway_parked parked on parked.chunk_id = chunks.id and parked.idx = payloads.key
  left join spillway_chunks carriers on carriers.seq = parked.carrier
  left join spillway_results results on results.seq = chunks.seq and results.idx = payloads.key
  where chunks.promoted = 0
    and not exists (select 1 from json_each(chunks.absent) where value ->> 0 = payloads.key);
`,
}
