// The application's table that a bulk write goes to, as the catalogue knows it: which columns it has, and of what types.
// Names are taken as they are; one that does not exist so is looked for in lower case, as SQL that was typed without
// quotes made it.

import type { ColumnKind } from './column-text.js'
import { qualifiedName } from './identifiers.js'

export interface TargetColumn extends ColumnKind {
  /** Its type without length or precision, quoted: a cast with them would cut values off instead of refusing them. */
  readonly type: string
  /** Of the values as a parameter: arrays travel as text, because unnest would flatten them. */
  readonly parameterType: string
}

export interface TargetTable {
  /** Quoted, with the schema if one was named. */
  readonly name: string
  /** By name. */
  readonly columns: ReadonlyMap<string, TargetColumn>
  /** Whether temporary tables may be made in its database. */
  readonly mayStage: boolean
}

interface CatalogueRow {
  readonly name: string
  readonly type: string
  readonly kind: ColumnKind['kind']
  readonly is_array: boolean
  readonly is_domain: boolean
  readonly is_exact: boolean
  readonly may_stage: boolean
}

/** What runs a query on the connection of the transaction. */
export interface CatalogueQuery {
  query(text: string, values: unknown[]): Promise<{ readonly rows: unknown[] }>
}

// Domains are followed down to what they are made of: a domain over jsonb takes JSON. 114 = json, 3802 = jsonb, 17 = bytea.
const COLUMNS = `
with recursive target as (
  select coalesce(to_regclass($1), to_regclass($2))::oid as oid, to_regclass($1) is not null as is_exact
),
types as (
  select attnum, attname, atttypid as declared, atttypid as oid
  from pg_catalog.pg_attribute, target where attrelid = target.oid and attnum > 0 and not attisdropped
  union all
  select attnum, attname, declared, typbasetype
  from types join pg_catalog.pg_type on pg_type.oid = types.oid where typtype = 'd'
)
select types.attname as name, quote_ident(nspname) || '.' || quote_ident(declared.typname) as type,
  case when element.oid in (114, 3802) then 'json' when element.oid = 17 then 'bytes'
    when element.typcategory = 'N' then 'number' else 'other' end as kind,
  element.oid <> base.oid as is_array, declared.typtype = 'd' as is_domain, is_exact,
  has_database_privilege(current_database(), 'temporary') as may_stage
from target, types
join pg_catalog.pg_type base on base.oid = types.oid and base.typtype <> 'd'
join pg_catalog.pg_type element
  on element.oid = case when base.typcategory = 'A' and base.typelem <> 0 then base.typelem else base.oid end
join pg_catalog.pg_type declared on declared.oid = types.declared
join pg_catalog.pg_namespace on pg_namespace.oid = declared.typnamespace
order by types.attnum`

/** Null when there is no such table, or none that may be seen. */
export async function readTargetTable(db: CatalogueQuery, table: string): Promise<TargetTable | null> {
  const [exact, folded] = [qualifiedName(table), qualifiedName(table.toLowerCase())]
  const rows = (await db.query(COLUMNS, [exact, folded])).rows as CatalogueRow[]
  const [first] = rows
  if (first === undefined) return null
  return {
    name: first.is_exact ? exact : folded,
    columns: new Map(rows.map((row) => [row.name, targetColumn(row)])),
    mayStage: first.may_stage,
  }
}

function targetColumn({ name, type, kind, is_array: array, is_domain }: CatalogueRow): TargetColumn {
  return { name, type, kind, array, parameterType: array && !is_domain ? 'pg_catalog.text' : type }
}
