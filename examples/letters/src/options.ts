// The command line. A mistake is answered with the usage, never with a guess.

import { parseArgs } from 'node:util'
import { engineOf } from './stores/index.js'
import { UsageError } from './usage-error.js'

export interface Options {
  readonly letters: number
  readonly crash: boolean
  readonly json: boolean
  readonly seed: number
  /** URL of a server; null for SQLite. */
  readonly store: string | null
}

const LETTERS_MAX = 1_000_000
const LETTERS_DEFAULT = 10_000

export const USAGE = `Usage: npm run letters -- [options]

  --letters N    how many letters are issued (default ${LETTERS_DEFAULT.toLocaleString('en-US')})
  --crash        kill the worker process with SIGKILL now and then
  --store URL    postgres://... or mysql://...: a database of its own on that server, gone afterwards (default: sqlite)
  --seed N       what goes wrong with which letter (default 1)
  --json         one JSON line on stdout at the end, everything else on stderr
  --help         this text`

/** Null when help was asked for. */
export function readOptions(args: readonly string[]): Options | null {
  const values = parse(args)
  if (values.help === true) return null
  return {
    letters: wholeNumber('--letters', values.letters, LETTERS_DEFAULT, 1, LETTERS_MAX),
    crash: values.crash === true,
    json: values.json === true,
    seed: wholeNumber('--seed', values.seed, 1, 0, 2 ** 31),
    store: serverUrl(values.store),
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        letters: { type: 'string' },
        crash: { type: 'boolean' },
        json: { type: 'boolean' },
        seed: { type: 'string' },
        store: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

function serverUrl(text: string | undefined): string | null {
  if (text === undefined || text === 'sqlite') return null
  if (!URL.canParse(text) || engineOf(text) === 'sqlite') {
    throw new UsageError("--store: expected 'sqlite' or a URL that begins with postgres:// or mysql://")
  }
  return text
}

function wholeNumber(flag: string, text: string | undefined, otherwise: number, min: number, max: number) {
  if (text === undefined) return otherwise
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < min || value > max) {
    throw new UsageError(`${flag}: expected a whole number from ${min} to ${max}, received '${text}'`)
  }
  return value
}
