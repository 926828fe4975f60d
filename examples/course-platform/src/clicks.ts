// The one command of the platform: a student clicked. Everything about asynchronous writing is said here; the handler
// itself is plain SQL in storage/ and does not know how its clicks travelled.

import { defineCommand } from 'spillway'
import { z } from 'zod'
import type { PlatformTables } from './storage/index.js'

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
export function recordClick({ record }: Pick<PlatformTables, 'record'>) {
  return defineCommand({
    ...definition,
    settlement: 'transaction',
    handleBatch: (clicks, { tx }) => record(tx, clicks),
  })
}

export type RecordClick = ReturnType<typeof recordClick>

/**
 * The same command for channels that hold clicks in memory, which have no settlement to share: the handler opens its own
 * transaction through the platform's own connections, and the click's primary key keeps a repeat harmless.
 */
export function recordClickAlone({ recordAlone }: Pick<PlatformTables, 'recordAlone'>): RecordClick {
  return defineCommand({ ...definition, handleBatch: (clicks) => recordAlone(clicks) })
}
