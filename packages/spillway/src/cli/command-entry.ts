// What stands in the table of commands: one of them, or a group.

import type { CliCommand } from './command.js'

export interface CommandEntry {
  readonly summary: string
  load(): Promise<CliCommand>
}

export interface CommandGroup {
  readonly summary: string
  readonly commands: CommandTable
}

export type CommandTable = ReadonlyMap<string, CommandEntry | CommandGroup>
