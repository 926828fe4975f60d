// The command line of the comparison: which sections and sides, how long, and in which form the figures are wanted.

import { parseArgs } from 'node:util'
import { BULK_CALLERS } from './load-shapes.js'
import { SECTION_NAMES, type SectionName } from './sections/section-names.js'
import { SIDE_NAMES, type SideName } from './sides/side-names.js'

export interface Options {
  readonly quick: boolean
  readonly json: boolean
  readonly only: readonly SectionName[]
  /** Null = all. */
  readonly sides: ReadonlySet<SideName> | null
  readonly rounds: number
  readonly seconds: number
  readonly backlog: number
  /** Connections that write the bulk limit at once. */
  readonly bulkCallers: number
}

export const USAGE = `Usage: npm run bench -- [options]

  --only NAME      run one section: ${SECTION_NAMES.join(', ')}; may be repeated
  --side NAME      run only this side, where it takes part; may be repeated:
                   ${SIDE_NAMES.join(', ')}
  --rounds N       how often every side has its turn in a section (default 3)
  --seconds S      about how long one timed load takes (default 5)
  --backlog N      commands in place in the backlog section (default 1000000)
  --bulk-callers N connections that write the bulk limit at once (default ${BULK_CALLERS}); try a few: the highest counts
  --quick          one short round and a small backlog: to see that it works, not to quote
  --json           the results as JSON on stdout, the tables on stderr
  --help           this text`

const FULL = { rounds: 3, seconds: 5, backlog: 1_000_000 }
const QUICK = { rounds: 1, seconds: 0.3, backlog: 20_000 }
const ROUNDS_MAX = 100
const SECONDS_MAX = 600
const BACKLOG_MAX = 100_000_000
const BULK_CALLERS_MAX = 64

/** A command line that cannot be used; the message says which part. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** Null when help was asked for. */
export function readOptions(args: readonly string[]): Options | null {
  const values = parse(args)
  if (values.help === true) return null
  const quick = values.quick === true
  const defaults = quick ? QUICK : FULL
  const only = (values.only ?? []).map((name) => oneOf(name, SECTION_NAMES, '--only'))
  const sides = (values.side ?? []).map((name) => oneOf(name, SIDE_NAMES, '--side'))
  return {
    quick,
    json: values.json === true,
    only: only.length === 0 ? SECTION_NAMES : only,
    sides: sides.length === 0 ? null : new Set(sides),
    rounds: Math.ceil(positive(values.rounds, defaults.rounds, ROUNDS_MAX, '--rounds')),
    seconds: positive(values.seconds, defaults.seconds, SECONDS_MAX, '--seconds'),
    backlog: Math.ceil(positive(values.backlog, defaults.backlog, BACKLOG_MAX, '--backlog')),
    bulkCallers: Math.ceil(
      positive(values['bulk-callers'], BULK_CALLERS, BULK_CALLERS_MAX, '--bulk-callers'),
    ),
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        only: { type: 'string', multiple: true },
        side: { type: 'string', multiple: true },
        rounds: { type: 'string' },
        seconds: { type: 'string' },
        backlog: { type: 'string' },
        'bulk-callers': { type: 'string' },
        quick: { type: 'boolean' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

function oneOf<Name extends string>(name: string, names: readonly Name[], option: string): Name {
  const known = names.find((candidate) => candidate === name)
  if (known === undefined)
    throw new UsageError(`${option}: expected one of ${names.join(', ')}, received '${name}'`)
  return known
}

function positive(text: string | undefined, fallback: number, max: number, option: string): number {
  if (text === undefined) return fallback
  const value = Number(text)
  if (!(value > 0 && value <= max))
    throw new UsageError(`${option}: expected a number above 0 and up to ${max}, received '${text}'`)
  return value
}
