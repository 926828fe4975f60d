// The schema as the next release would leave it: columns and a table more, nothing taken away. Only what it notes down about itself
// says which releases it still serves.

import type { FaultEngine } from '../engines.js'

export interface NewerSchema {
  readonly additive: readonly string[]
  /** Notes it down as one that serves this release, or no release before its own. */
  note(serves: 'this release' | 'itself'): string
  readonly forget: string
  readonly roles: string
}

export const NEWER_SCHEMA: Readonly<Record<FaultEngine['kind'], NewerSchema>> = {
  postgres: {
    additive: [
      'alter table spillway.chunks add column note text',
      'alter table spillway.parked add column note text',
      'alter table spillway.queues add column note text',
      'alter table spillway.nodes add column note text',
      'create table spillway.notes (id bigint primary key)',
    ],
    note: (serves) =>
      `insert into spillway.migrations (version, name, oldest, applied_at) select max(version) + 1, 'later', max(version) + ${serves === 'itself' ? 1 : 0}, 0 from spillway.migrations`,
    forget: "delete from spillway.migrations where name = 'later'",
    roles: 'spillway.roles',
  },
  mariadb: {
    additive: [
      'alter table spillway_chunks add column note text',
      'alter table spillway_parked add column note text',
      'alter table spillway_queues add column note text',
      'alter table spillway_nodes add column note text',
      'create table spillway_notes (id bigint primary key)',
    ],
    note: (serves) =>
      `insert into spillway_migrations (version, name, serves_from, statements_done, applied_at) select max(version) + 1, 'later', max(version) + ${serves === 'itself' ? 1 : 0}, 1, 1 from spillway_migrations`,
    forget: "delete from spillway_migrations where name = 'later'",
    roles: 'spillway_roles',
  },
}
