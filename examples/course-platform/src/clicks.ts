// The one command of the platform: a student clicked. Everything about asynchronous writing is said here; the handler
// itself is plain SQL in platform-tables.ts and does not know how its clicks travelled.

import { defineCommand } from 'spillway'
import { z } from 'zod'
import { type Database, recordClicks, recordClicksInTransaction } from './platform-tables.js'

export const clickInput = z.object({
  /** Made by the student's browser, so that a post repeated after a lost answer is recognised. */
  id: z.string().min(1).max(64),
  course: z.string().min(1).max(32),
  student: z.int().nonnegative(),
  material: z.int().nonnegative(),
  /** Relative to the course's start; negative before it. */
  day: z.int(),
  clicks: z.int().positive(),
})

export type Click = z.infer<typeof clickInput>

const definition = {
  name: 'click.record',
  queue: 'clicks',
  input: clickInput,
  idempotencyKey: (click: Click) => click.id,
  batch: { maxSize: 1_000 },
} as const

/** Clicks and counts commit together with the settlement: every click has its effect exactly once. */
export const recordClick = defineCommand({
  ...definition,
  settlement: 'transaction',
  handleBatch: (clicks, { tx }) => recordClicks(tx, clicks),
})

/**
 * The same command for channels that hold clicks in memory, which have no settlement to share: the handler opens its own
 * transaction on the platform's connection, and the click's primary key keeps a repeat harmless.
 */
export function recordClickThrough(database: Database): typeof recordClick {
  return defineCommand({
    ...definition,
    handleBatch: (clicks) => recordClicksInTransaction(database, clicks),
  })
}
