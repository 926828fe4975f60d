// All commands, with what the overview says about them. Their code is loaded when one of them is run, so that the overview
// costs nothing.

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

const DLQ: CommandTable = new Map<string, CommandEntry>([
  [
    'list',
    { summary: 'List dead commands', load: async () => (await import('./commands/dlq-list.js')).dlqList },
  ],
  [
    'replay',
    {
      summary: 'Run dead commands again',
      load: async () => (await import('./commands/dlq-replay.js')).dlqReplay,
    },
  ],
])

const QUEUE: CommandTable = new Map<string, CommandEntry>([
  [
    'list',
    {
      summary: 'List queues and what waits in them',
      load: async () => (await import('./commands/queue-list.js')).queueList,
    },
  ],
  [
    'pause',
    {
      summary: 'Stop working on a queue; it still accepts',
      load: async () => (await import('./commands/queue-pause.js')).queuePause,
    },
  ],
  [
    'resume',
    {
      summary: 'Work on a paused queue again',
      load: async () => (await import('./commands/queue-pause.js')).queueResume,
    },
  ],
  [
    'limit',
    {
      summary: 'Limit how many chunks of a queue run at once',
      load: async () => (await import('./commands/queue-limit.js')).queueLimit,
    },
  ],
])

export const COMMANDS: CommandTable = new Map<string, CommandEntry | CommandGroup>([
  [
    'init',
    {
      summary: 'Write a first spillway.config.ts',
      load: async () => (await import('./commands/init.js')).init,
    },
  ],
  [
    'dev',
    {
      summary: 'Run everything in one process, for development',
      load: async () => (await import('./commands/dev.js')).dev,
    },
  ],
  [
    'start',
    {
      summary: 'Run in production: API, worker and maintenance, or some of them',
      load: async () => (await import('./commands/start.js')).start,
    },
  ],
  [
    'worker',
    {
      summary: 'Run worker and maintenance, without API',
      load: async () => (await import('./commands/worker.js')).worker,
    },
  ],
  [
    'migrate',
    {
      summary: "Bring the store's schema up to date",
      load: async () => (await import('./commands/migrate.js')).migrate,
    },
  ],
  [
    'doctor',
    { summary: 'Check this installation', load: async () => (await import('./commands/doctor.js')).doctor },
  ],
  [
    'send',
    { summary: 'Submit a command, or many', load: async () => (await import('./commands/send.js')).send },
  ],
  ['get', { summary: 'Show a command', load: async () => (await import('./commands/get.js')).get }],
  [
    'watch',
    {
      summary: 'Follow a command or the queues',
      load: async () => (await import('./commands/watch.js')).watch,
    },
  ],
  [
    'list',
    { summary: 'List commands, newest first', load: async () => (await import('./commands/list.js')).list },
  ],
  [
    'status',
    { summary: 'Show health and queues', load: async () => (await import('./commands/status.js')).status },
  ],
  [
    'retry',
    {
      summary: 'Run failed, dead or cancelled commands again',
      load: async () => (await import('./commands/retry.js')).retry,
    },
  ],
  [
    'cancel',
    {
      summary: 'Cancel commands that do not run yet',
      load: async () => (await import('./commands/cancel.js')).cancel,
    },
  ],
  ['dlq', { summary: 'Dead commands', commands: DLQ }],
  ['queue', { summary: 'Queues', commands: QUEUE }],
  [
    'nodes',
    {
      summary: 'Show the processes that work on the store',
      load: async () => (await import('./commands/nodes.js')).nodes,
    },
  ],
])
