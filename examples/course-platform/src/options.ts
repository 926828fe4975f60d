// The command line of the demo. A mistake is answered with the usage, never with a guess.

import { parseArgs } from 'node:util'
import {
  type BrokerName,
  DURABLE_PATTERNS,
  type DurablePatternName,
  PATTERN_NAMES,
  type PatternName,
} from './patterns/index.js'
import { CLICKS_MAX } from './real-clicks.js'
import type { BrokerUrls } from './servers.js'
import { engineOf } from './storage/index.js'
import { UsageError } from './usage-error.js'

export interface Options {
  readonly json: boolean
  readonly exit: boolean
  readonly crash: boolean
  readonly kills: boolean
  /** How the platform's clicks travel. */
  readonly pattern: DurablePatternName
  /** The patterns that are compared. */
  readonly patterns: readonly PatternName[]
  readonly clicks: number
  readonly callers: number
  readonly port: number
  /** URL of a server; null for SQLite. */
  readonly store: string | null
  readonly brokerUrls: BrokerUrls
}

const DURABLE_NAMES = Object.keys(DURABLE_PATTERNS) as DurablePatternName[]

export const USAGE = `Usage: npm start -- [options]      replay real clicks, compare the patterns, stay up
       npm run demo -- [options]   the same command

  --exit            end after the results instead of staying up
  --json            one JSON line on stdout at the end, everything else on stderr
  --pattern NAME    how the platform's clicks travel: ${DURABLE_NAMES.join(', ')} (default store);
                    that pattern is then the only one in the comparison
  --patterns A,B    the patterns to compare (default: ${PATTERN_NAMES.join(', ')})
  --no-patterns     leave out the comparison
  --kills           kill agent, broker and database for each pattern, not the app alone; takes a few minutes
  --crash           kill the worker and intake processes with SIGKILL midway, show what survives, and end
  --clicks N        how many of the ${CLICKS_MAX.toLocaleString('en-US')} clicks (default: all)
  --callers N       concurrent callers of the library (default 256)
  --store URL       postgres://... or mysql://...: databases of its own on that server, gone afterwards (default: SQLite)
  --broker-url URL  amqp://, nats://, kafka:// or redis://...: a broker to use, never to kill; may be repeated
                    (default: a private instance of each broker that is installed)
  --port N          port of the platform (default 8077, with --exit any free one)
  --help            this text`

/** Null when help was asked for. */
export function readOptions(args: readonly string[]): Options | null {
  const values = parse(args)
  if (values.help === true) return null
  return {
    json: values.json === true,
    exit: values.exit === true,
    crash: values.crash === true,
    kills: values.kills === true,
    pattern: oneOf('--pattern', values.pattern ?? 'store', DURABLE_NAMES),
    patterns: patternsOf(values),
    clicks: wholeNumber('--clicks', values.clicks, CLICKS_MAX, 100, CLICKS_MAX),
    callers: wholeNumber('--callers', values.callers, 256, 1, 10_000),
    port: wholeNumber('--port', values.port, values.exit === true ? 0 : 8077, 0, 65_535),
    store: serverUrl(values.store),
    brokerUrls: brokerUrls(values['broker-url'] ?? []),
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
        kills: { type: 'boolean' },
        pattern: { type: 'string' },
        patterns: { type: 'string' },
        'no-patterns': { type: 'boolean' },
        clicks: { type: 'string' },
        callers: { type: 'string' },
        port: { type: 'string' },
        store: { type: 'string' },
        'broker-url': { type: 'string', multiple: true },
        help: { type: 'boolean', short: 'h' },
      },
    }).values
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

function patternsOf(values: ReturnType<typeof parse>): readonly PatternName[] {
  const { pattern, patterns } = values
  if (values['no-patterns'] === true) return []
  if (patterns !== undefined) {
    return patterns.split(',').map((name) => oneOf('--patterns', name.trim(), PATTERN_NAMES))
  }
  return pattern === undefined ? PATTERN_NAMES : [oneOf('--pattern', pattern, DURABLE_NAMES)]
}

function oneOf<Name extends string>(flag: string, text: string, names: readonly Name[]): Name {
  const name = names.find((known) => known === text)
  if (name !== undefined) return name
  throw new UsageError(`${flag}: expected one of ${names.join(', ')}, received '${text}'`)
}

function serverUrl(text: string | undefined): string | null {
  if (text === undefined) return null
  if (!URL.canParse(text) || engineOf(text) === 'sqlite') {
    throw new UsageError('--store: expected a URL that begins with postgres:// or mysql://')
  }
  return text
}

const BROKERS: readonly (readonly [RegExp, BrokerName])[] = [
  [/^amqps?:\/\//, 'rabbitmq'],
  [/^(nats|tls):\/\//, 'nats'],
  [/^kafkas?:\/\//, 'kafka'],
  [/^rediss?:\/\//, 'redis'],
]

/** Which broker a URL is of is said by how it begins. */
function brokerUrls(texts: readonly string[]): BrokerUrls {
  return new Map(
    texts.map((text) => {
      const broker = BROKERS.find(([beginning]) => beginning.test(text))
      if (broker !== undefined) return [broker[1], text]
      // Not what was given: it may hold a password.
      throw new UsageError(
        '--broker-url: expected a URL that begins with amqp://, nats://, kafka:// or redis://',
      )
    }),
  )
}

function wholeNumber(flag: string, text: string | undefined, otherwise: number, min: number, max: number) {
  if (text === undefined) return otherwise
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < min || value > max) {
    throw new UsageError(`${flag}: expected a whole number from ${min} to ${max}, received '${text}'`)
  }
  return value
}
