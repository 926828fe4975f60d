// SQL of a migration before it is known into which schema it goes. What it becomes is complete: run by hand, it does what
// migrating does.

import type { Migration } from '../../../ports/index.js'
import { quotedName } from '../identifiers.js'
import { inSchema, literal } from '../in-schema.js'

export interface SqlMigration extends Migration {
  /** `@.name` stands for `name` in the schema of the store. */
  readonly sql: string
  /** Releases whose target is at least this version still work with it. Absent: all of them. */
  readonly oldest?: number
}

/** `schema` is the name as it is. */
export function migrationFor({ version, name, sql, oldest = 1 }: SqlMigration, schema: string): Migration {
  const done = `
insert into @.migrations (version, name, oldest, applied_at)
values (${version}, ${literal(name)}, ${oldest}, floor(extract(epoch from clock_timestamp()) * 1000)::bigint);
`
  const start = version === 1 ? startIn(schema) : ''
  return { version, name, sql: inSchema(`${start}${sql}${done}`, quotedName(schema)) }
}

/** Whoever may not create schemas may find one prepared. */
function startIn(schema: string): string {
  return `
do $start$ begin
  if not exists (select 1 from pg_catalog.pg_namespace where nspname = ${literal(schema)}) then
    create schema ${quotedName(schema)};
  end if;
end $start$;

create table @.migrations (
  version integer primary key,
  name text not null,
  oldest integer not null,                -- releases that know at least this version still work
  applied_at bigint not null
);
`
}
