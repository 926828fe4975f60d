// Finding what there is of something in an index without reading how much there is of each: from one value the server jumps to the next. It
// does not do so by itself, and a statement cannot be told to; but many small statements travel together, each of which begins where
// the one before stopped, by way of variables.

import type { Connection } from './connection.js'
import type { RunResult } from './enlist/index.js'
import { integer, text } from './sql-text.js'

export interface SkipScan {
  /** `table force index (...) where ...`: what is constant in the index before the columns. */
  readonly source: string
  /** Whose values are wanted, in the order of the index. */
  readonly columns: readonly string[]
  /** Columns of the first row of each, in the order of the index. */
  readonly ofFirst: readonly string[]
}

type Found = Readonly<Record<string, unknown>>

/** Jumps of one round trip: a few at first, then twice as many each time. */
const JUMPS_FIRST = 4
const JUMPS_PER_TRIP_MAX = 64
/** Statements of a trip beside its jumps: one that clears the variables, one that shows them. */
const STATEMENTS_AROUND = 2
/** Values found of one scan at most. */
const VALUES_MAX = 10_000

/** The values of each scan, in order. */
export async function skipThrough(
  db: Pick<Connection, 'send'>,
  scans: readonly SkipScan[],
): Promise<readonly (readonly Found[])[]> {
  const found = scans.map((): Found[] => [])
  let open = scans.map((scan, place) => ({ scan, rows: found[place] as Found[] }))
  for (let jumps = JUMPS_FIRST; open.length > 0; jumps = Math.min(2 * jumps, JUMPS_PER_TRIP_MAX)) {
    const trips = open.flatMap(({ scan, rows }) => jumpsSql(scan, rows.at(-1) ?? null, jumps))
    const results = await db.send(trips)
    open = open.filter(({ rows }, place) => {
      const landed = landingsOf(results[(place + 1) * (jumps + STATEMENTS_AROUND) - 1] as RunResult)
      rows.push(...landed)
      return landed.length === jumps && rows.length < VALUES_MAX
    })
  }
  return found
}

function landingsOf({ rows }: RunResult): Found[] {
  return rows.filter((row) => Object.values(row)[0] !== null)
}

/** The last statement shows where the jumps landed; a jump beyond the end leaves its variables null. */
export function jumpsSql(scan: SkipScan, after: Found | null, count: number): string[] {
  const columns = [...scan.columns, ...scan.ofFirst]
  const variables = Array.from({ length: count }, (_, jump) =>
    columns.map((column) => `@spillway_${column}_${jump}`),
  )
  const start = after === null ? null : scan.columns.map((column) => literal(after[column]))
  const jumps = variables.map((into, jump) =>
    jumpSql(scan, jump === 0 ? start : (variables[jump - 1] ?? null), into),
  )
  const landings = variables.map(
    (names) => `select ${names.map((name, place) => `${name} as ${columns[place]}`).join(', ')}`,
  )
  return [
    `set ${variables.flatMap((names) => names.map((name) => `${name} = null`)).join(', ')}`,
    ...jumps,
    landings.join(' union all '),
  ]
}

/** `after` is SQL of values behind which to look. */
function jumpSql(
  { source, columns, ofFirst }: SkipScan,
  after: readonly string[] | null,
  into: readonly string[],
): string {
  const order = [...columns, ...ofFirst]
  // A jump from nowhere is known not to land, and reads nothing.
  const behind = after === null ? '' : ` and ${after[0]} is not null and (${behindSql(columns, after)})`
  return `select ${order.join(', ')} into ${into.join(', ')} from ${source}${behind} order by ${order.join(', ')} limit 1`
}

/** Of rows behind these values in the order of the columns, so that the index can be asked for them. */
export function behindSql(columns: readonly string[], values: readonly string[]): string {
  const alternatives = columns.map((column, place) => {
    const equal = columns.slice(0, place).map((before, at) => `${before} = ${values[at]}`)
    return `(${[...equal, `${column} > ${values[place]}`].join(' and ')})`
  })
  return alternatives.reverse().join(' or ')
}

function literal(value: unknown): string {
  return typeof value === 'number' ? integer(value) : text(String(value))
}
