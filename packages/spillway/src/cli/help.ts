// What `--help` shows: usage, examples first, then arguments and flags. Written to standard output, because it was asked for.

import type { ArgDef } from 'citty'
import type { CliCommand } from './command.js'
import type { CommandGroup } from './command-entry.js'
import { ENVIRONMENT_VARIABLES } from './environment.js'
import { EXIT_MEANINGS } from './exit-codes.js'
import type { Output } from './terminal.js'

type Pair = readonly [string, string]

/** The overview of the program, or of a group of commands. */
export function writeOverview(output: Output, path: readonly string[], group: CommandGroup): void {
  const full = ['spillway', ...path].join(' ')
  output.line(`${group.summary}\n`)
  output.line(`${output.paint('bold', 'Usage')}  ${full} <command> [flags]`)
  writePairs(
    output,
    'Commands',
    [...group.commands].map(([name, { summary }]) => [name, summary]),
  )
  if (path.length === 0) {
    writePairs(output, 'Environment', ENVIRONMENT_VARIABLES)
    writePairs(
      output,
      'Exit codes',
      EXIT_MEANINGS.map(([code, meaning]) => [String(code), meaning]),
    )
  }
  output.line(`\nMore about one: ${full} <command> --help`)
}

export function writeHelp(
  output: Output,
  path: readonly string[],
  summary: string,
  { args, variadic, examples, notes }: CliCommand,
): void {
  const full = ['spillway', ...path].join(' ')
  const entries = Object.entries(args)
  const words = entries.filter(([, arg]) => arg.type === 'positional')
  const usage = words.map(([name, arg]) => (arg.required === true ? `<${name}>` : `[${name}]`)).join(' ')
  output.line(`${summary}\n`)
  output.line(
    `${output.paint('bold', 'Usage')}  ${full} ${usage}${variadic ? '...' : ''}${usage === '' ? '' : ' '}[flags]`,
  )
  for (const note of notes) output.line(`\n${note}`)
  writePairs(
    output,
    'Examples',
    examples.map(([rest, purpose]) => [`${full} ${rest}`.trimEnd(), purpose]),
  )
  writePairs(
    output,
    'Arguments',
    words.map(([name, arg]) => [name, arg.description ?? '']),
  )
  writePairs(
    output,
    'Flags',
    entries
      .filter(([, arg]) => arg.type !== 'positional')
      .map(([name, arg]) => [flagSyntax(name, arg), arg.description ?? '']),
  )
}

function flagSyntax(name: string, arg: ArgDef): string {
  if (arg.type === 'boolean') return arg.negativeDescription === undefined ? `--${name}` : `--[no-]${name}`
  const value = arg.type === 'enum' ? arg.options?.join('|') : arg.valueHint
  return `--${name} <${value ?? name}>`
}

function writePairs(output: Output, title: string, pairs: readonly Pair[]): void {
  if (pairs.length === 0) return
  const width = Math.max(...pairs.map(([left]) => left.length))
  output.line(`\n${output.paint('bold', title)}`)
  for (const [left, right] of pairs) output.line(`  ${left.padEnd(width)}  ${right}`.trimEnd())
}
