// From the words of the command line to a command: `queue pause mails --json` is the command `queue pause` with the rest as
// its arguments. Flags may stand before it.

import { didYouMean } from './closest.js'
import type { CommandEntry, CommandGroup, CommandTable } from './command-entry.js'
import { usageError } from './usage-error.js'

export interface FoundCommand {
  /** Names from the outermost group on. Empty for the program itself. */
  readonly path: readonly string[]
  readonly target: CommandEntry | CommandGroup
  readonly rawArgs: readonly string[]
}

/** Flags with a value that may stand before the command's name. */
const LEADING_VALUE_FLAGS = new Set(['--config', '--url', '--token'])

export function findCommand(program: CommandGroup, argv: readonly string[]): FoundCommand {
  let target: CommandEntry | CommandGroup = program
  let rawArgs = argv
  const path: string[] = []
  while ('commands' in target) {
    const at = firstWord(rawArgs)
    const name = rawArgs[at]
    if (name === undefined) break
    target = lookUp(target.commands, name, path)
    path.push(name)
    rawArgs = [...rawArgs.slice(0, at), ...rawArgs.slice(at + 1)]
  }
  return { path, target, rawArgs }
}

function lookUp(commands: CommandTable, name: string, path: readonly string[]): CommandEntry | CommandGroup {
  const found = commands.get(name)
  if (found !== undefined) return found
  const full = ['spillway', ...path].join(' ')
  throw usageError(
    `There is no command '${name}'.${didYouMean(name, commands.keys())} See all of them: ${full} --help`,
  )
}

/** Index of the first argument that is neither a flag nor the value of one. */
function firstWord(args: readonly string[]): number {
  for (let at = 0; at < args.length; at += 1) {
    const arg = args[at] as string
    if (arg === '--') break
    if (!arg.startsWith('-')) return at
    if (LEADING_VALUE_FLAGS.has(arg)) at += 1
  }
  return args.length
}
