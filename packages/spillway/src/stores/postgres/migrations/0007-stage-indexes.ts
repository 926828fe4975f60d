// By what rows and chunks are found since commands have stages, keys that hold each other up, tokens and tenants. Apart from the
// columns: these wait for nobody who reads, while adding a column keeps everybody out until it is committed.

import type { SqlMigration } from './sql-migration.js'

const PARKED = `
alter table @.parked validate constraint parked_state_check;

create index parked_turn on @.parked (due_at, origin, idx)
  where due_at is not null and state in ('scheduled', 'retrying', 'reconciling', 'pending', 'compensating');
create index parked_stages on @.parked (state, chunk_id, idx) include (queue)
  where state in ('reconciling', 'pending', 'blocked', 'compensating', 'compensated');
create index parked_fingerprint on @.parked (state, fingerprint, chunk_id, idx) include (queue, type, finished_at)
  where fingerprint is not null;
create index parked_token on @.parked (token_hash) where token_hash is not null;

-- Who waits for whom, key by key in the order of the queue.
create index parked_blocked on @.parked (queue, coalesce(partition, -1), coalesce(ordering_key, ''), origin, idx)
  where state = 'blocked';
create index parked_holding on @.parked (queue, coalesce(partition, -1), coalesce(ordering_key, ''), origin, idx)
  where ordering_key is not null
    and state in ('retrying', 'reconciling', 'pending', 'compensating', 'promoted', 'dead');
`

const CHUNKS = `
create index chunks_tenant on @.chunks (queue, tenant, type, priority desc, seq) where state = 'ready' and not blocked;
create index chunks_stage on @.chunks (queue) where stage is not null and state <> 'done';
`

export const stageIndexes: SqlMigration = {
  version: 7,
  name: 'stage indexes',
  sql: [PARKED, CHUNKS].join(''),
}
