// What operators are answered: groups of errors, operations, the ledger of callbacks, the audit.

import { z } from 'zod'
import { Command, commandState, count, ErrorRecord, nextCursor, time, timeOrNull } from './command-schemas.js'

export const ErrorGroup = z.strictObject({
  fingerprint: z.string(),
  type: z.string(),
  queue: z.string(),
  count: z.int().min(1),
  firstAt: time.describe('When the first of them ended.'),
  lastAt: time,
  sampleId: z.string().describe('The newest of them.'),
  error: ErrorRecord.describe('Its error.'),
  links: z.strictObject({ sample: z.string() }),
})

export const ErrorGroups = z.strictObject({ items: z.array(ErrorGroup) })

export const Operation = z.strictObject({
  id: z.string(),
  action: z.enum(['redrive', 'discard', 'cancel']),
  filter: z.strictObject({
    state: commandState.optional(),
    type: z.string().optional(),
    queue: z.string().optional(),
    fingerprint: z.string().optional(),
  }),
  actor: z.string(),
  reason: z.string().nullable(),
  state: commandState.describe('Of the operation itself, which is a command.'),
  seen: count.describe('Commands looked at.'),
  changed: count,
  conflicts: count.describe('Commands no longer in a state that allowed it.'),
  startedAt: time,
  finishedAt: timeOrNull,
  links: z.strictObject({ self: z.string() }),
})

export const OperationMatches = z.strictObject({
  matches: count,
  more: z.boolean().describe('There are, or may be, more than were counted.'),
})

export const Callback = z.strictObject({
  id: z.string(),
  webhookId: z.string().describe('The same for every attempt, and when it is sent again.'),
  commandId: z.string().describe('The command that upstream is told about.'),
  event: z.string(),
  url: z.string(),
  delivery: Command.describe('The command that delivers it; its history is the attempts.'),
  links: z.strictObject({ command: z.string(), redeliver: z.string().optional() }),
})

export const CallbackPage = z.strictObject({ items: z.array(Callback), nextCursor })

export const GoneEndpoints = z.strictObject({
  items: z.array(z.strictObject({ url: z.string(), goneAt: time })),
})

export const EnabledEndpoint = z.strictObject({ url: z.string(), enabled: z.literal(true) })

export const AuditRecord = z.strictObject({
  id: z.string(),
  at: time,
  actor: z.string(),
  action: z.string(),
  target: z.string().describe('What it was done to, in words.'),
  reason: z.string().nullable(),
  count: count.nullable().describe('Commands that were changed; null where no commands are meant.'),
})

export const AuditPage = z.strictObject({ items: z.array(AuditRecord), nextCursor })
