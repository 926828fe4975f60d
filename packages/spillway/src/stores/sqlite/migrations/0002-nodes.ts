// Nodes, roles that one of them may hold at a time, and what every process obeys about a queue.

import type { Migration } from '../../../ports/index.js'

export const nodes: Migration = {
  version: 2,
  name: 'nodes',
  sql: `
create table spillway_nodes (
  id text primary key,
  host text not null,
  pid integer not null,
  version text not null,
  roles text not null,                   -- JSON array
  started_at integer not null,
  seen_at integer not null,
  ttl_ms integer not null                -- how long it counts as alive after a heartbeat
) strict, without rowid;

create table spillway_roles (
  role text primary key,
  node_id text not null,
  token integer not null,                -- one more with every change of its holder
  expires_at integer not null
) strict, without rowid;

alter table spillway_queues add column pause_reason text;
alter table spillway_queues add column leases_max integer;
`,
}
