// Arguments are checked before citty reads them, because it ignores what it does not know: a misspelt `--dry-rnu` would do for
// real what its author wanted to see first.

import { parseArgs } from 'node:util'
import type { ArgDef } from 'citty'
import { didYouMean } from './closest.js'
import type { CliCommand } from './command.js'
import { usageError } from './usage-error.js'

interface ParseOption {
  readonly type: 'boolean' | 'string'
}

/** Throws a usage error that names the argument. */
export function checkArguments(cliCommand: CliCommand, rawArgs: readonly string[]): void {
  const flags = Object.entries(cliCommand.args).filter(([, arg]) => arg.type !== 'positional')
  const { values, positionals } = parse(rawArgs, flags)
  for (const [name, arg] of flags) {
    const value = values[name]
    if (value === undefined) {
      if (arg.required === true) throw usageError(`The flag --${name} is required.`)
    } else if (value === '') {
      throw usageError(`The flag --${name} needs a value.`)
    } else if (arg.type === 'enum' && arg.options?.includes(value as string) !== true) {
      throw usageError(`--${name} takes one of ${arg.options?.join(', ')}; received '${String(value)}'.`)
    }
  }
  checkWords(cliCommand, positionals)
}

function checkWords({ args, variadic }: CliCommand, words: readonly string[]): void {
  const places = Object.entries(args).filter(([, arg]) => arg.type === 'positional')
  const missing = places.find(([, arg], at) => arg.required === true && words[at] === undefined)
  if (missing !== undefined) throw usageError(`The argument <${missing[0]}> is missing.`)
  if (words.length > places.length && !variadic) {
    throw usageError(`The argument '${words[places.length]}' is one too many.`)
  }
}

function parse(
  rawArgs: readonly string[],
  flags: readonly (readonly [string, ArgDef])[],
): { values: Readonly<Record<string, unknown>>; positionals: readonly string[] } {
  const options: Record<string, ParseOption> = {}
  for (const [name, arg] of flags) {
    const type = arg.type === 'boolean' ? 'boolean' : 'string'
    options[name] = { type }
    // citty reads `--no-color` as `color: false`, if the help offers it.
    if (arg.type === 'boolean' && arg.negativeDescription !== undefined) options[`no-${name}`] = { type }
  }
  try {
    return parseArgs({ args: [...rawArgs], options, allowPositionals: true, strict: true })
  } catch (error) {
    throw usageError(parseFault(error, Object.keys(options)))
  }
}

/** Node's message, in which only the first sentence is ours to show, and what may have been meant. */
function parseFault(error: unknown, names: readonly string[]): string {
  const { code, message } = error as NodeJS.ErrnoException
  const typed = /'--?([^' =]+)/.exec(message)?.[1]
  if (code !== 'ERR_PARSE_ARGS_UNKNOWN_OPTION' || typed === undefined) return message.replaceAll('\n', ' ')
  const dashes = typed.length === 1 ? '-' : '--'
  return `There is no flag ${dashes}${typed} here.${didYouMean(
    `--${typed}`,
    names.map((name) => `--${name}`),
  )}`
}
