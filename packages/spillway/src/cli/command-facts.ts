// One command for people: what it is, where it stands, what its next turn will do, and what happened to it so far.

import { isTerminal, type Stage } from '../domain/index.js'
import { EXIT, type ExitCode } from './exit-codes.js'
import { jsonLine, printable } from './printable.js'
import { type Column, writeFacts, writeTable } from './table.js'
import type { AttemptRecord, CommandRecord } from './target/records.js'
import type { Colour, Output } from './terminal.js'

const COLOURS: Partial<Record<CommandRecord['state'], Colour>> = {
  succeeded: 'green',
  retrying: 'yellow',
  reconciling: 'yellow',
  compensating: 'yellow',
  failed: 'red',
  dead: 'red',
}

/** What a turn in this stage does. */
const TURNS: Readonly<Record<Stage, string>> = {
  execute: 'is executed',
  reconcile: 'is asked about: has it happened?',
  poll: 'is polled',
  compensate: 'is undone',
}

const ATTEMPTS: readonly Column<AttemptRecord>[] = [
  { heading: 'attempt', cell: ({ attempt }) => String(attempt), right: true },
  { heading: 'at', cell: ({ at }) => at },
  { heading: 'stage', cell: ({ stage = 'execute' }) => stage },
  { heading: 'worker', cell: ({ workerId = '' }) => workerId },
  {
    heading: 'took',
    cell: ({ durationMs }) => (durationMs === undefined ? '' : `${Math.round(durationMs)} ms`),
    right: true,
  },
  { heading: 'answer', cell: ({ error }) => answerText(error) },
]

export function paintState(output: Output, state: CommandRecord['state']): string {
  const colour = COLOURS[state]
  return colour === undefined ? state : output.paint(colour, state)
}

export function writeCommand(output: Output, record: CommandRecord, json: boolean): void {
  if (json) {
    output.line(jsonLine(record))
    return
  }
  writeFacts(output, facts(record))
  if (record.history.length === 0) return
  output.line()
  writeTable(output, ATTEMPTS, record.history)
}

/** The whole error of every attempt that had one, with its stack. */
export function writeStacks(output: Output, { history }: CommandRecord): void {
  for (const { attempt, error } of history) {
    if (error === null) continue
    output.line()
    output.line(output.paint('bold', `attempt ${attempt}`))
    const { stack } = error
    const lines = stack?.includes(error.message) === true ? stack : `${answerText(error)}\n${stack ?? ''}`
    for (const line of lines.trimEnd().split(/\r?\n/)) output.line(`  ${printable(line)}`)
  }
}

function answerText(error: AttemptRecord['error']): string {
  return error === null ? 'ok' : `${error.code}: ${error.message}`
}

function facts(record: CommandRecord): (readonly [string, string])[] {
  const { error, result, payload } = record
  const optional: readonly (readonly [string, string | null])[] = [
    ['next turn', nextTurn(record)],
    ['finished', record.finishedAt],
    ['error', error === null ? null : answerText(error)],
    ['fingerprint', record.fingerprint],
    ['result', result === null || result === undefined ? null : JSON.stringify(result)],
    ['payload', payload === undefined ? null : JSON.stringify(payload)],
    ['priority', record.priority === 0 ? null : String(record.priority)],
    ['generation', record.generation === 0 ? null : String(record.generation)],
  ]
  return [
    ['id', record.id],
    ['state', record.state],
    ['stage', record.stage],
    ['type', record.type],
    ['queue', record.queue],
    ['attempts', String(record.attempts)],
    ['accepted', record.acceptedAt],
    ...optional.flatMap(([name, value]) => (value === null ? [] : [[name, value] as const])),
  ]
}

function nextTurn({ state, stage, nextAt, waitsUntil }: CommandRecord): string | null {
  if (isTerminal(state) || state === 'running') return null
  if (state === 'blocked') return 'after an earlier command of its ordering key'
  if (state === 'pending' && waitsUntil !== null) return `its counterpart answers, until ${waitsUntil}`
  return `${TURNS[stage]}${nextAt === null ? '' : `, at ${nextAt}`}`
}

/** What a wait for this command comes to. */
export function exitCodeOf({ state }: CommandRecord): ExitCode {
  if (!isTerminal(state)) return EXIT.waitTimedOut
  return state === 'succeeded' ? EXIT.ok : EXIT.commandFailed
}
