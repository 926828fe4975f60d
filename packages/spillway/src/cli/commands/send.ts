// `spillway send <type>`: one command, or one per line of NDJSON.

import { resolve } from 'node:path'
import type { SubmitOptions } from '../../app/api.js'
import { type Durability, PRIORITY_ABS_MAX } from '../../domain/index.js'
import { bulkSend } from '../bulk-send.js'
import { command, type Session, type Values } from '../command.js'
import { exitCodeOf, writeCommand } from '../command-facts.js'
import { EXIT, type ExitCode } from '../exit-codes.js'
import { duration, time, wholeNumber } from '../numbers.js'
import { readPayload } from '../payload.js'
import { jsonLine } from '../printable.js'
import { targetArgs } from '../shared-args.js'
import { suggest } from '../suggestion.js'
import { withTarget } from '../target/open-target.js'
import { usageError } from '../usage-error.js'

const args = {
  type: { type: 'positional', required: true, description: 'Name of the command' },
  payload: {
    type: 'positional',
    required: false,
    description: 'JSON text, @file, or - for standard input; default {}',
  },
  key: { type: 'string', valueHint: 'key', description: 'Idempotency key' },
  priority: { type: 'string', valueHint: 'n', description: 'Higher runs first; default: as defined' },
  delay: { type: 'string', valueHint: 'duration', description: 'Not before this long from now' },
  'run-at': { type: 'string', valueHint: 'time', description: 'Not before this time (ISO 8601)' },
  wait: { type: 'string', valueHint: 'duration', description: 'Wait at most this long for its end' },
  bulk: { type: 'boolean', description: 'One payload per line (NDJSON), from standard input or @file' },
  ...targetArgs,
} as const

/** What a receipt promises. */
const MEANINGS = {
  store: 'committed in the store',
  transaction: "in the caller's transaction",
  memory: 'in memory only',
  written: 'written to the journal',
  synced: 'on this host’s disk, in the journal',
  broker: 'confirmed by the broker',
  executed: 'executed already',
} as const satisfies Record<Durability, string>

/** Where to look for it: what is on its way is not known by its id yet. */
const NEXT: Partial<Record<Durability, (id: string) => string>> = {
  store: (id) => `watch ${id}`,
  written: () => 'journal inspect',
  synced: () => 'journal inspect',
  broker: () => 'queue list',
}

type SendValues = Values<typeof args>

export const send = command({
  args,
  examples: [
    [`click.record '{"id":"c-1","clicks":4}'`, 'one command; prints its id'],
    ['letter.issue @letter.json --key order-7 --wait 10s', 'and wait for its end'],
    ['click.record --bulk < clicks.ndjson', 'one command per line'],
  ],
  notes: ['With --wait, the exit code tells how the command ended: 0 succeeded, 6 it did not, 7 not yet.'],
  async run(invocation) {
    const { values } = invocation
    if (values.bulk === true) return await sendMany(invocation, values)
    return await sendOne(invocation, values)
  },
})

async function sendOne(session: Session, values: SendValues): Promise<ExitCode> {
  const { terminal } = session
  const json = values.json === true
  const waitMs = values.wait === undefined ? null : duration('--wait', values.wait)
  const options = submitOptions(values)
  const payload = await readPayload(values.payload, session.cwd)
  return await withTarget(session, values, async (target) => {
    const receipt = await target.submit(values.type, payload, options)
    const { id, status, queue, durability } = receipt
    if (!json || waitMs !== null)
      terminal.messages.line(`${status} by queue ${queue}, ${MEANINGS[durability]}`)
    if (waitMs !== null) {
      const record = await target.get(id, { waitMs })
      writeCommand(terminal.out, record, json)
      return exitCodeOf(record)
    }
    terminal.out.line(json ? jsonLine(receipt) : id)
    const isElsewhere = values.url !== undefined && (durability === 'written' || durability === 'synced')
    const next = isElsewhere ? undefined : NEXT[durability]?.(id)
    if (!json && next !== undefined) suggest(terminal, values, next)
    return EXIT.ok
  })
}

async function sendMany(session: Session, values: SendValues): Promise<ExitCode> {
  for (const name of ['key', 'priority', 'delay', 'run-at', 'wait'] as const) {
    if (values[name] !== undefined)
      throw usageError(`--${name} is about one command and does not go with --bulk.`)
  }
  const { payload: source = '-', type } = values
  if (source !== '-' && !source.startsWith('@')) {
    throw usageError('--bulk reads payloads line by line from standard input, or from @file.')
  }
  const path = source === '-' ? null : resolve(session.cwd, source.slice(1))
  return await withTarget(session, values, (target) =>
    bulkSend(session, target, { type, path, json: values.json === true }),
  )
}

function submitOptions(values: SendValues): SubmitOptions {
  const runAt = values['run-at']
  if (values.delay !== undefined && runAt !== undefined) throw usageError('Give either --delay or --run-at.')
  return {
    ...(values.key === undefined ? {} : { key: values.key }),
    ...(values.priority === undefined
      ? {}
      : { priority: wholeNumber('--priority', values.priority, -PRIORITY_ABS_MAX, PRIORITY_ABS_MAX) }),
    ...(values.delay === undefined ? {} : { delay: duration('--delay', values.delay) }),
    ...(runAt === undefined ? {} : { runAt: time('--run-at', runAt) }),
  }
}
