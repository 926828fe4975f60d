// A command as it is answered, and what its schema shares with those of the other answers.

import { z } from 'zod'
import { COMMAND_STATES, type CommandState, STAGES } from '../domain/index.js'

export const time = z.iso.datetime().describe('RFC 3339, UTC')
export const timeOrNull = time.nullable()
export const count = z.int().min(0)
export const commandState = z.enum(COMMAND_STATES as readonly [CommandState, ...CommandState[]])
export const nextCursor = z.string().nullable()

export const ErrorRecord = z.strictObject({
  code: z.string(),
  message: z.string(),
  stack: z.string().optional(),
})

const Attempt = z.strictObject({
  attempt: z.int(),
  stage: z.enum(STAGES).optional().describe('What was tried; absent: it was executed.'),
  workerId: z.string().optional(),
  durationMs: z.number().min(0).optional(),
  at: time,
  error: ErrorRecord.nullable(),
})

export const Command = z.strictObject({
  id: z.string(),
  type: z.string(),
  queue: z.string(),
  state: commandState,
  stage: z.enum(STAGES).describe('What its next turn does, or where it ended.'),
  priority: z.int(),
  attempts: count,
  acceptedAt: time,
  nextAt: timeOrNull.describe('When it is due, if it is scheduled or retrying.'),
  waitsUntil: timeOrNull.describe('Until when its counterpart may answer, if it is pending.'),
  finishedAt: timeOrNull,
  error: ErrorRecord.nullable(),
  fingerprint: z.string().nullable().describe('The same for commands that failed alike.'),
  generation: count.describe('How often it was retried or discarded by hand.'),
  history: z.array(Attempt).describe('Its latest attempts; none of a command that simply succeeded.'),
  links: z.strictObject({
    self: z.string(),
    cancel: z.string().optional(),
    retry: z.string().optional(),
    discard: z.string().optional(),
  }),
  result: z.unknown().describe("The handler's value, or null."),
  payload: z.unknown().optional().describe('Only when asked for.'),
})

export const CommandPage = z.strictObject({ items: z.array(Command), nextCursor })
