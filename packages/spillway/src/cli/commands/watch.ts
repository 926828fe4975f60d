// `spillway watch`: one command until it has ended, or a queue until Ctrl-C. It asks a few times a second and speaks when
// something has changed.

import { isTerminal } from '../../domain/index.js'
import { SpillwayError } from '../../errors/index.js'
import { systemClock } from '../../runtime/index.js'
import { command, type Session } from '../command.js'
import { exitCodeOf, paintState } from '../command-facts.js'
import { EXIT, type ExitCode } from '../exit-codes.js'
import { Interrupted } from '../interruption.js'
import { jsonLine, printable } from '../printable.js'
import { queueSummary } from '../queue-rows.js'
import { targetArgs } from '../shared-args.js'
import { withTarget } from '../target/open-target.js'
import type { CommandRecord, QueueRecord } from '../target/records.js'
import type { Target } from '../target/target.js'
import { usageError } from '../usage-error.js'

const COMMAND_POLL_MS = 250
const QUEUE_POLL_MS = 1_000

export const watch = command({
  args: {
    id: { type: 'positional', required: false, description: 'Id of the command' },
    queue: { type: 'string', valueHint: 'name', description: 'Follow this queue instead' },
    ...targetArgs,
  },
  examples: [
    ['<id>', 'every change, until it has ended'],
    ['--queue mails', 'how many wait, until Ctrl-C'],
  ],
  notes: ['For a command the exit code tells how it ended: 0 succeeded, 6 it did not.'],
  async run(invocation) {
    const { id, queue, json = false } = invocation.values
    if ((id === undefined) === (queue === undefined))
      throw usageError('Give either the id of a command, or --queue.')
    return await withTarget(invocation, invocation.values, (target) =>
      id === undefined
        ? watchQueue(invocation, target, queue as string, json)
        : watchCommand(invocation, target, id, json),
    )
  },
})

async function watchCommand(session: Session, target: Target, id: string, json: boolean): Promise<ExitCode> {
  const { out } = session.terminal
  let shown = ''
  for (;;) {
    const record = await target.get(id)
    const change = `${record.state} ${record.attempts} ${record.nextAt} ${record.generation}`
    if (change !== shown) {
      out.line(
        json ? jsonLine(record) : `${clockTime()}  ${paintState(out, record.state)}${circumstances(record)}`,
      )
    }
    shown = change
    if (isTerminal(record.state)) return exitCodeOf(record)
    if (session.terminal.unread.aborted) return EXIT.ok
    await pause(session, COMMAND_POLL_MS)
  }
}

function circumstances({ attempts, nextAt, error }: CommandRecord): string {
  const parts = [
    ...(attempts === 0 ? [] : [`attempt ${attempts}`]),
    ...(nextAt === null ? [] : [`due ${nextAt}`]),
    ...(error === null ? [] : [printable(`${error.code}: ${error.message}`)]),
  ]
  return parts.map((part) => `  ${part}`).join('')
}

async function watchQueue(session: Session, target: Target, name: string, json: boolean): Promise<ExitCode> {
  const { out, unread } = session.terminal
  let shown = ''
  while (!unread.aborted) {
    const queue = queueNamed(await target.queues(), name)
    const summary = queueSummary(queue)
    if (summary !== shown) out.line(json ? jsonLine(queue) : `${clockTime()}  ${name}  ${summary}`)
    shown = summary
    await pause(session, QUEUE_POLL_MS)
  }
  return EXIT.ok
}

function queueNamed(queues: readonly QueueRecord[], name: string): QueueRecord {
  const found = queues.find(({ queue }) => queue === name)
  if (found !== undefined) return found
  throw new SpillwayError(
    'not_found',
    `There is no queue '${name}'. There are: ${queues.map(({ queue }) => queue).join(', ')}.`,
  )
}

async function pause({ interruption, terminal }: Session, ms: number): Promise<void> {
  await systemClock.sleep(ms, AbortSignal.any([interruption.signal, terminal.unread]))
  if (interruption.signal.aborted) throw new Interrupted()
}

function clockTime(): string {
  return new Date(systemClock.now()).toISOString().slice(11, 19)
}
