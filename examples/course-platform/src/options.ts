// The command line of the demo. A mistake is answered with the usage, never with a guess.

import { parseArgs } from 'node:util'
import { CLICKS_MAX } from './real-clicks.js'
import { engineOf } from './storage/index.js'
import { UsageError } from './usage-error.js'

export interface Options {
  readonly json: boolean
  readonly exit: boolean
  readonly crash: boolean
  readonly patterns: boolean
  readonly clicks: number
  readonly callers: number
  readonly port: number
  /** URL of a server; null for SQLite. */
  readonly store: string | null
}

export const USAGE = `Usage: npm start -- [options]      replay real clicks, compare the patterns, stay up
       npm run demo -- [options]   the same command

  --exit         end after the results instead of staying up
  --json         one JSON line on stdout at the end, everything else on stderr
  --crash        kill the worker and intake processes with SIGKILL midway, show what survives, and end
  --no-patterns  leave out the comparison of the write patterns
  --clicks N     how many of the ${CLICKS_MAX.toLocaleString('en-US')} clicks (default: all)
  --callers N    concurrent callers of the library (default 256)
  --store URL    postgres://... or mysql://...: databases of its own on that server, gone afterwards (default: SQLite)
  --port N       port of the platform (default 8077, with --exit any free one)
  --help         this text`

/** Null when help was asked for. */
export function readOptions(args: readonly string[]): Options | null {
  const values = parse(args)
  if (values.help === true) return null
  return {
    json: values.json === true,
    exit: values.exit === true,
    crash: values.crash === true,
    patterns: values['no-patterns'] !== true,
    clicks: wholeNumber('--clicks', values.clicks, CLICKS_MAX, 100, CLICKS_MAX),
    callers: wholeNumber('--callers', values.callers, 256, 1, 10_000),
    port: wholeNumber('--port', values.port, values.exit === true ? 0 : 8077, 0, 65_535),
    store: serverUrl(values.store),
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        json: { type: 'boolean' },
        exit: { type: 'boolean' },
        crash: { type: 'boolean' },
        'no-patterns': { type: 'boolean' },
        clicks: { type: 'string' },
        callers: { type: 'string' },
        port: { type: 'string' },
        store: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

function serverUrl(text: string | undefined): string | null {
  if (text === undefined) return null
  if (!URL.canParse(text) || engineOf(text) === 'sqlite') {
    throw new UsageError('--store: expected a URL that begins with postgres:// or mysql://')
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
