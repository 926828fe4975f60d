// The statements of one shape of bulk write: straight from arrays, or over a staging table that COPY fills.

import type { BulkWrite } from '../../ports/index.js'
import { quotedName } from './identifiers.js'
import type { TargetColumn, TargetTable } from './target-table.js'

export interface BulkStatements {
  /** In the order of a row's values. */
  readonly columns: readonly TargetColumn[]
  /** Takes one array per column. */
  readonly insert: string
  /** The same for rows that are all new; null where rows have no key. */
  readonly insertNew: string | null
  readonly createStage: string
  readonly copy: string
  readonly insertStaged: string
  readonly dropStage: string
}

type Shape = Pick<BulkWrite, 'columns' | 'key' | 'onConflict'>

/** Lives as long as the transaction, in a schema that no application's table is in. */
const STAGE = 'pg_temp.spillway_stage'

/** A column's name as the table has it, or null when it has none of that name. */
export function columnOf(table: TargetTable, name: string): TargetColumn | null {
  return table.columns.get(name) ?? table.columns.get(name.toLowerCase()) ?? null
}

/** `columns` and `key` are those of the write, as the table names them. */
export function bulkStatements(
  table: TargetTable,
  columns: readonly TargetColumn[],
  key: readonly TargetColumn[],
  onConflict: Shape['onConflict'],
): BulkStatements {
  const names = columns.map(({ name }) => quotedName(name)).join(', ')
  const places = columns.map((_, place) => `v${place}`).join(', ')
  const values = columns.map(valueAt).join(', ')
  const parameters = columns.map(({ parameterType }, place) => `$${place + 1}::${parameterType}[]`).join(', ')
  const staged = columns.map(({ parameterType }, place) => `v${place} ${parameterType}`).join(', ')
  const into = `insert into ${table.name} (${names}) select ${values}`
  const conflict = conflictClause(columns, key, onConflict)
  const insertNew = `${into} from unnest(${parameters}) as given (${places})`
  return {
    columns,
    insert: `${insertNew}${conflict}`,
    insertNew: conflict === '' ? null : insertNew,
    createStage: `create temporary table spillway_stage (${staged}) on commit drop`,
    copy: `copy ${STAGE} from stdin`,
    insertStaged: `${into} from ${STAGE} as given${conflict}`,
    dropStage: `drop table ${STAGE}`,
  }
}

function valueAt({ type, parameterType }: TargetColumn, place: number): string {
  return type === parameterType ? `v${place}` : `v${place}::${type}`
}

function conflictClause(
  columns: readonly TargetColumn[],
  key: readonly TargetColumn[],
  onConflict: Shape['onConflict'],
): string {
  if (key.length === 0) return ''
  const target = ` on conflict (${key.map(({ name }) => quotedName(name)).join(', ')})`
  const others = columns.filter((column) => !key.includes(column)).map(({ name }) => quotedName(name))
  if (onConflict === 'ignore' || others.length === 0) return `${target} do nothing`
  return `${target} do update set ${others.map((name) => `${name} = excluded.${name}`).join(', ')}`
}
