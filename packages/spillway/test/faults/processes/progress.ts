// That the application goes on, whatever has just befallen it.

import { expect, vi } from 'vitest'
import type { Application } from './application.js'
import type { Callers } from './callers.js'
import { PATIENCE } from './patience.js'

/** Commands that must be taken, and as many that must succeed, before it goes on. */
export const PROGRESS_COMMANDS = 10

/** Intakes take commands and workers do them, at the same time. */
export async function untilFurther(
  application: Application,
  callers: Callers,
  commands = PROGRESS_COMMANDS,
): Promise<void> {
  const succeeded = async () => (await application.store.reader.accounting()).succeeded
  const target = await vi.waitFor(async () => (await succeeded()) + commands, PATIENCE)
  await Promise.all([
    callers.untilMore(commands),
    vi.waitFor(async () => expect(await succeeded()).toBeGreaterThan(target), PATIENCE),
  ])
}
