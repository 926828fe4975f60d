// Commands that stand in groups: `spillway dlq list`. Their code is loaded when one of them is run.

import type { CliCommand } from './command.js'
import type { CommandEntry, CommandTable } from './command-entry.js'

export const DLQ: CommandTable = new Map<string, CommandEntry>([
  entry('list', 'List dead commands', async () => (await import('./commands/dlq-list.js')).dlqList),
  entry(
    'groups',
    'Group dead commands by error',
    async () => (await import('./commands/dlq-groups.js')).dlqGroups,
  ),
  entry(
    'show',
    'Show a dead command with payload, attempts and stacks',
    async () => (await import('./commands/dlq-show.js')).dlqShow,
  ),
  entry(
    'replay',
    'Run dead commands again',
    async () => (await import('./commands/dlq-replay.js')).dlqReplay,
  ),
  entry(
    'discard',
    'Give up dead commands',
    async () => (await import('./commands/dlq-discard.js')).dlqDiscard,
  ),
])

export const QUEUE: CommandTable = new Map<string, CommandEntry>([
  entry(
    'list',
    'List queues and what waits in them',
    async () => (await import('./commands/queue-list.js')).queueList,
  ),
  entry(
    'pause',
    'Stop working on a queue; it still accepts',
    async () => (await import('./commands/queue-pause.js')).queuePause,
  ),
  entry(
    'resume',
    'Work on a paused queue again',
    async () => (await import('./commands/queue-pause.js')).queueResume,
  ),
  entry(
    'limit',
    'Limit how many chunks of a queue run at once',
    async () => (await import('./commands/queue-limit.js')).queueLimit,
  ),
])

export const CALLBACKS: CommandTable = new Map<string, CommandEntry>([
  entry(
    'list',
    'List callbacks with their deliveries',
    async () => (await import('./commands/callbacks-list.js')).callbacksList,
  ),
  entry(
    'redeliver',
    'Send a callback again',
    async () => (await import('./commands/callbacks-redeliver.js')).callbacksRedeliver,
  ),
  entry(
    'endpoints',
    'List endpoints that answered 410',
    async () => (await import('./commands/callbacks-endpoints.js')).callbacksEndpoints,
  ),
  entry(
    'enable',
    'Call such an endpoint again',
    async () => (await import('./commands/callbacks-endpoints.js')).callbacksEnable,
  ),
])

export const OPERATIONS: CommandTable = new Map<string, CommandEntry>([
  entry(
    'get',
    'Show how far an operation has got',
    async () => (await import('./commands/operations.js')).operationsGet,
  ),
  entry(
    'watch',
    'Follow an operation until it has ended',
    async () => (await import('./commands/operations.js')).operationsWatch,
  ),
])

export const JOURNAL: CommandTable = new Map<string, CommandEntry>([
  entry(
    'inspect',
    'Show who writes and ships a spool, and what it holds',
    async () => (await import('./commands/journal-inspect.js')).journalInspect,
  ),
  entry(
    'verify',
    'Read every frame of a spool and check it',
    async () => (await import('./commands/journal-verify.js')).journalVerify,
  ),
  entry(
    'salvage',
    'Write out what can be read of a spool',
    async () => (await import('./commands/journal-salvage.js')).journalSalvage,
  ),
])

function entry(name: string, summary: string, load: () => Promise<CliCommand>): [string, CommandEntry] {
  return [name, { summary, load }]
}
