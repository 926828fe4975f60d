// The command line of the benchmark: which sections, how long, and in which form the figures are wanted.

import { parseArgs } from 'node:util'
import { SECTION_NAMES, type SectionName } from './sections/index.js'

export interface Options {
  readonly quick: boolean
  readonly json: boolean
  readonly only: readonly SectionName[]
}

export const USAGE = `Usage: npm run bench -- [options]

  --only NAME    run one section: ${SECTION_NAMES.join(', ')}; may be repeated
  --quick        one round and smaller loads: to see that it works, not to quote
  --json         the results as JSON on stdout, the tables on stderr
  --help         this text`

/** A command line that cannot be used; the message says which part. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** Null when help was asked for. */
export function readOptions(args: readonly string[]): Options | null {
  const values = parse(args)
  if (values.help === true) return null
  const only = (values.only ?? []).map(sectionName)
  return {
    quick: values.quick === true,
    json: values.json === true,
    only: only.length === 0 ? SECTION_NAMES : only,
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        only: { type: 'string', multiple: true },
        quick: { type: 'boolean' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

function sectionName(name: string): SectionName {
  const known = SECTION_NAMES.find((section) => section === name)
  if (known === undefined)
    throw new UsageError(`--only: expected one of ${SECTION_NAMES.join(', ')}, received '${name}'`)
  return known
}
