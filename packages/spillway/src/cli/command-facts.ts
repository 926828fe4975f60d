// One command for people: what it is, where it stands, and what happened to it so far.

import { isTerminal } from '../domain/index.js'
import { EXIT, type ExitCode } from './exit-codes.js'
import { jsonLine, printable } from './printable.js'
import { writeFacts } from './table.js'
import type { CommandRecord } from './target/records.js'
import type { Colour, Output } from './terminal.js'

const COLOURS: Partial<Record<CommandRecord['state'], Colour>> = {
  succeeded: 'green',
  retrying: 'yellow',
  failed: 'red',
  dead: 'red',
}

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
  output.line(output.paint('dim', 'history'))
  for (const { attempt, at, error } of record.history) {
    const what = error === null ? 'ok' : `${error.code}: ${error.message}`
    output.line(`  ${attempt}  ${at}  ${printable(what)}`)
  }
}

function facts(record: CommandRecord): (readonly [string, string])[] {
  const { error, result, payload } = record
  const optional: readonly (readonly [string, string | null])[] = [
    ['due', record.nextAt],
    ['finished', record.finishedAt],
    ['error', error === null ? null : `${error.code}: ${error.message}`],
    ['result', result === null || result === undefined ? null : JSON.stringify(result)],
    ['payload', payload === undefined ? null : JSON.stringify(payload)],
    ['priority', record.priority === 0 ? null : String(record.priority)],
    ['generation', record.generation === 0 ? null : String(record.generation)],
  ]
  return [
    ['id', record.id],
    ['state', record.state],
    ['type', record.type],
    ['queue', record.queue],
    ['attempts', String(record.attempts)],
    ['accepted', record.acceptedAt],
    ...optional.flatMap(([name, value]) => (value === null ? [] : [[name, value] as const])),
  ]
}

/** What a wait for this command comes to. */
export function exitCodeOf({ state }: CommandRecord): ExitCode {
  if (!isTerminal(state)) return EXIT.waitTimedOut
  return state === 'succeeded' ? EXIT.ok : EXIT.commandFailed
}
