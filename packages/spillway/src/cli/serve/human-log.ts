// Log lines for a person who watches a terminal: the JSON that goes to a log collector in production, laid out to be read.

import { printable } from '../printable.js'
import type { Colour, Output } from '../terminal.js'

const LEVELS: Readonly<Record<number, readonly [string, Colour]>> = {
  10: ['trace', 'dim'],
  20: ['debug', 'dim'],
  30: ['info', 'cyan'],
  40: ['warn', 'yellow'],
  50: ['error', 'red'],
  60: ['fatal', 'red'],
}
/** Said by the line's place or in its message already. */
const LEFT_OUT: ReadonlySet<string> = new Set(['level', 'time', 'msg', 'event', 'err', 'worker_id', 'where'])
const STACK_LINES_MAX = 6

/** Takes the lines of `createLogs`. */
export function humanLog(output: Output): { write(line: string): void } {
  return {
    write(line) {
      const fields = JSON.parse(line) as Record<string, unknown>
      const [name, colour] = LEVELS[Number(fields.level)] ?? ['log', 'dim']
      const time = new Date(Number(fields.time)).toISOString().slice(11, 19)
      const facts = Object.entries(fields)
        .filter(([key]) => !LEFT_OUT.has(key))
        .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
      const rest = facts.length === 0 ? '' : `  ${output.paint('dim', printable(facts.join(' ')))}`
      output.line(
        `${output.paint('dim', time)} ${output.paint(colour, name.padEnd(5))} ${printable(String(fields.msg))}${rest}`,
      )
      for (const frame of stackOf(fields.err)) output.line(output.paint('dim', printable(frame)))
    },
  }
}

function stackOf(err: unknown): string[] {
  if (typeof err !== 'object' || err === null || !('stack' in err) || typeof err.stack !== 'string') return []
  return err.stack
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .slice(0, STACK_LINES_MAX)
}
