// One command of the command line: its arguments as citty knows them, with types that tell what may be absent, and what citty
// has no place for (examples, a variable number of arguments).

import { parseArgs } from 'node:util'
import { type ArgsDef, type CommandDef, defineCommand } from 'citty'
import type { Environment } from './environment.js'
import { EXIT, type ExitCode } from './exit-codes.js'
import type { Interruption } from './interruption.js'
import type { Terminal } from './terminal.js'

/** What every command finds around it. */
export interface Session {
  readonly terminal: Terminal
  readonly environment: Environment
  readonly interruption: Interruption
  /** The folder the command was started in. */
  readonly cwd: string
}

/** Flags are undefined when not given; arguments are texts unless they are optional. */
export type Values<Args extends ArgsDef> = {
  readonly [Name in keyof Args]: Args[Name] extends { type: 'boolean' }
    ? boolean | undefined
    : Args[Name] extends { type: 'enum'; options: readonly (infer Option)[] }
      ? Option | undefined
      : Args[Name] extends { required: true }
        ? string
        : string | undefined
}

export interface Invocation<Args extends ArgsDef> extends Session {
  readonly values: Values<Args>
  /** All arguments that are not flags, in order. */
  readonly words: readonly string[]
  /** Every value of a flag that may be given more than once, in order. */
  all(flag: string): readonly string[]
}

export interface CommandSpec<Args extends ArgsDef> {
  readonly args: Args
  /** The last argument may be given any number of times. */
  readonly variadic?: true
  /** Runs until it is told to stop, so SIGTERM is its normal end. */
  readonly serves?: true
  /** What stands behind `spillway <command>` in an example, and what it is for. */
  readonly examples: readonly (readonly [string, string])[]
  /** Paragraphs for the help. */
  readonly notes?: readonly string[]
  /** Resolves to the exit code; nothing means 0. */
  // biome-ignore lint/suspicious/noConfusingVoidType: most commands end well and have nothing to say about it
  run(invocation: Invocation<Args>): Promise<ExitCode | void>
}

export interface CliCommand {
  readonly args: ArgsDef
  readonly variadic: boolean
  readonly serves: boolean
  readonly examples: readonly (readonly [string, string])[]
  readonly notes: readonly string[]
  readonly definition: CommandDef
}

export function command<const Args extends ArgsDef>(spec: CommandSpec<Args>): CliCommand {
  const definition = defineCommand({
    args: spec.args as ArgsDef,
    async run({ args, rawArgs, data }): Promise<ExitCode> {
      const session = data as Session
      const words = [...args._]
      const all = (flag: string): readonly string[] => valuesOf(rawArgs, flag)
      return (await spec.run({ ...session, values: args as unknown as Values<Args>, words, all })) ?? EXIT.ok
    },
  })
  return {
    args: spec.args,
    variadic: spec.variadic === true,
    serves: spec.serves === true,
    examples: spec.examples,
    notes: spec.notes ?? [],
    definition,
  }
}

/** citty keeps the last one only. */
function valuesOf(rawArgs: readonly string[], flag: string): readonly string[] {
  const options = { [flag]: { type: 'string', multiple: true } } as const
  const { values } = parseArgs({ args: [...rawArgs], options, strict: false, allowPositionals: true })
  return (values[flag] as readonly unknown[] | undefined)?.map(String) ?? []
}
