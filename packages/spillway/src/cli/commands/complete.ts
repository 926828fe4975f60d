// `spillway complete <token>`: the counterpart's answer, given by hand.

import { type CompletionOutcome, DELAY_MS_MAX, failed, ok, retry, unknown } from '../../domain/index.js'
import { command, type Values } from '../command.js'
import { writeCommand } from '../command-facts.js'
import { duration } from '../numbers.js'
import { readPayload } from '../payload.js'
import { targetArgs } from '../shared-args.js'
import { withTarget } from '../target/open-target.js'
import { usageError } from '../usage-error.js'

const args = {
  completion: {
    type: 'positional',
    required: true,
    description: 'The completion token, as the handler handed it out',
  },
  value: {
    type: 'positional',
    required: false,
    description: 'With --ok: its result, as JSON text, @file, or - for standard input',
  },
  ok: { type: 'boolean', description: 'It is done' },
  failed: { type: 'string', valueHint: 'reason', description: 'It is refused: a business no' },
  retry: { type: 'string', valueHint: 'reason', description: 'Not now: execute it again' },
  after: {
    type: 'string',
    valueHint: 'duration',
    description: 'With --retry: not before this long from now',
  },
  unknown: { type: 'string', valueHint: 'reason', description: 'It may have happened or not' },
  ...targetArgs,
} as const

export const complete = command({
  args,
  examples: [
    [`<token> --ok '{"receipt":7}'`, 'done, with a result'],
    ['<token> --failed "address rejected"', 'refused: undone, and upstream told, as the type says'],
    ['<token> --retry busy --after 5m', 'to be executed again'],
  ],
  notes: [
    'A token works once. Exit code 5 when nobody waits for it, or the execution that will has not ended.',
  ],
  async run(invocation) {
    const { values, terminal, cwd } = invocation
    const outcome = await outcomeOf(values, cwd)
    const record = await withTarget(invocation, values, ({ operator }) =>
      operator.complete(values.completion, outcome),
    )
    writeCommand(terminal.out, record, values.json === true)
  },
})

async function outcomeOf(values: Values<typeof args>, cwd: string): Promise<CompletionOutcome> {
  const given = [values.ok === true ? 'ok' : undefined, values.failed, values.retry, values.unknown]
  if (given.filter((answer) => answer !== undefined).length !== 1)
    throw usageError('Give one answer: --ok, --failed <reason>, --retry <reason> or --unknown <reason>.')
  if (values.value !== undefined && values.ok !== true) throw usageError('A value goes with --ok.')
  if (values.after !== undefined && values.retry === undefined) throw usageError('--after goes with --retry.')
  if (values.failed !== undefined) return failed(values.failed)
  if (values.unknown !== undefined) return unknown(values.unknown)
  if (values.retry !== undefined) return retry(values.retry, afterMs(values.after))
  return values.value === undefined ? ok() : ok(await readPayload(values.value, cwd))
}

function afterMs(after: string | undefined): { afterMs?: number } {
  if (after === undefined) return {}
  const ms = duration('--after', after)
  if (ms <= DELAY_MS_MAX) return { afterMs: Math.round(ms) }
  throw usageError(`--after takes at most ${DELAY_MS_MAX / 86_400_000}d.`)
}
