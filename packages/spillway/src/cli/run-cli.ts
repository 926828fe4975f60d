// One run of the command line, from arguments to exit code.

import { runCommand } from 'citty'
import { checkArguments } from './check-arguments.js'
import type { CliCommand, Session } from './command.js'
import type { CommandGroup } from './command-entry.js'
import { COMMANDS } from './command-table.js'
import { EXIT, type ExitCode } from './exit-codes.js'
import { writeFailure } from './failure.js'
import { findCommand } from './find-command.js'
import { writeHelp, writeOverview } from './help.js'
import { Interrupted } from './interruption.js'

const PROGRAM: CommandGroup = {
  summary: 'Spillway: durable asynchronous writes. A command in, a receipt at once, executed in bulk.',
  commands: COMMANDS,
}

export async function runCli(argv: readonly string[], session: Session): Promise<ExitCode> {
  try {
    return await run(argv, session)
  } catch (error) {
    return writeFailure(session.terminal.messages, error, argv.includes('--json'))
  }
}

async function run(argv: readonly string[], session: Session): Promise<ExitCode> {
  const { terminal } = session
  if (isVersionRequest(argv)) {
    const { VERSION } = await import('../app/version.js')
    terminal.out.line(VERSION)
    return EXIT.ok
  }
  const wantsHelp = asksForHelp(argv)
  const { path, target, rawArgs } = findCommand(PROGRAM, wantsHelp ? withoutHelp(argv) : argv)
  if ('commands' in target) {
    const known = wantsHelp || argv.length === 0
    writeOverview(known ? terminal.out : terminal.messages, path, target)
    return known ? EXIT.ok : EXIT.usage
  }
  const cliCommand = await target.load()
  if (wantsHelp) {
    writeHelp(terminal.out, path, target.summary, cliCommand)
    return EXIT.ok
  }
  return await execute(cliCommand, rawArgs, session)
}

async function execute(
  cliCommand: CliCommand,
  rawArgs: readonly string[],
  session: Session,
): Promise<ExitCode> {
  const { definition, serves } = cliCommand
  const { interruption } = session
  checkArguments(cliCommand, rawArgs)
  try {
    const { result } = await runCommand(definition, { rawArgs: [...rawArgs], data: session })
    const endedAsMeant = interruption.by === null || (interruption.by === 'SIGTERM' && serves)
    return endedAsMeant ? (result as ExitCode) : EXIT.interrupted
  } catch (error) {
    // What an interruption tore is not worth a message of its own; what goes wrong while a server stops is.
    throw interruption.signal.aborted && !serves ? new Interrupted() : error
  }
}

function isVersionRequest(argv: readonly string[]): boolean {
  return argv.length === 1 && (argv[0] === '--version' || argv[0] === '-v')
}

function asksForHelp(argv: readonly string[]): boolean {
  const end = argv.indexOf('--')
  const flags = end === -1 ? argv : argv.slice(0, end)
  return flags.includes('--help') || flags.includes('-h') || argv[0] === 'help'
}

function withoutHelp(argv: readonly string[]): string[] {
  return argv.filter((arg, at) => arg !== '--help' && arg !== '-h' && !(at === 0 && arg === 'help'))
}
