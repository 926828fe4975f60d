// All commands, with what the overview says about them. Their code is loaded when one of them is run, so that the overview
// costs nothing.

import type { CommandEntry, CommandGroup, CommandTable } from './command-entry.js'
import { CALLBACKS, DLQ, JOURNAL, OPERATIONS, QUEUE } from './command-groups.js'

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
    'agent',
    {
      summary: 'Ship what journals hold, or execute it',
      load: async () => (await import('./commands/agent.js')).agent,
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
  [
    'complete',
    {
      summary: 'Answer for a command that waits for its counterpart',
      load: async () => (await import('./commands/complete.js')).complete,
    },
  ],
  ['dlq', { summary: 'Dead commands', commands: DLQ }],
  ['operations', { summary: 'Verbs on many commands', commands: OPERATIONS }],
  ['callbacks', { summary: 'What upstream was told', commands: CALLBACKS }],
  ['queue', { summary: 'Queues', commands: QUEUE }],
  ['journal', { summary: 'Spools: what applications wrote and no agent has shipped yet', commands: JOURNAL }],
  [
    'audit',
    {
      summary: 'Show who did what, and why',
      load: async () => (await import('./commands/audit.js')).audit,
    },
  ],
  [
    'nodes',
    {
      summary: 'Show the processes that work on the store',
      load: async () => (await import('./commands/nodes.js')).nodes,
    },
  ],
])
