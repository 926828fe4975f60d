// What the server says of itself: its version, how durable its commits are, and how many connections it has to give.

import type { ClientBase } from 'pg'
import type { Statements } from './statements.js'

export interface ServerFacts {
  readonly version: string
  /** Two digits for each part: 15.4 is 150004. */
  readonly version_number: number
  readonly fsync: boolean
  readonly full_page_writes: boolean
  /** As it is for this user in this database. */
  readonly synchronous_commit: string
  readonly autovacuum: boolean
  readonly standby: boolean
  readonly read_only: boolean
  /** That this user may have in this database. */
  readonly connections: number
  /** By all users of the server. */
  readonly connections_used: number
  /** ms since the epoch. */
  readonly now: number
}

const FACTS = `
select
  current_setting('server_version') as version,
  current_setting('server_version_num')::bigint as version_number,
  current_setting('fsync')::boolean as fsync,
  current_setting('full_page_writes')::boolean as full_page_writes,
  current_setting('synchronous_commit') as synchronous_commit,
  current_setting('autovacuum')::boolean as autovacuum,
  pg_is_in_recovery() as standby,
  current_setting('default_transaction_read_only')::boolean as read_only,
  least(
    current_setting('max_connections')::bigint - current_setting('superuser_reserved_connections')::bigint
      - coalesce(current_setting('reserved_connections', true), '0')::bigint,
    (select nullif(datconnlimit, -1) from pg_catalog.pg_database where datname = current_database()),
    (select nullif(rolconnlimit, -1) from pg_catalog.pg_roles where rolname = current_user)
  ) as connections,
  (select count(*) from pg_catalog.pg_stat_activity where backend_type = 'client backend') as connections_used,
  floor(extract(epoch from clock_timestamp()) * 1000)::bigint as now`

export async function readServer(client: ClientBase, statements: Statements): Promise<ServerFacts> {
  const [facts] = await statements.runAnew<ServerFacts>(client, FACTS, [])
  return facts as ServerFacts
}
