// A command under which a worker died and that is not run again at once: it waits to be asked about, because in any other state
// nobody would know of the doubt. Asking is not executing.

import { type CommandUpdate, formatMemo } from '../domain/index.js'
import type { ExecutableCommand } from '../ports/index.js'

export function doubtUpdate({ index, attempt, orderingKey }: ExecutableCommand): CommandUpdate {
  const error = { code: 'worker_crash', message: 'the worker died or stalled while it may have been running' }
  const memo = formatMemo({ failure: { state: 'unknown', error }, reconciliations: 0 })
  const untried = { index, attempts: attempt - 1, delayMs: 0, orderingKey: orderingKey ?? null }
  return { ...untried, state: 'reconciling', stage: 'reconcile', error, memo }
}
