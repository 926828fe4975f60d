// Commands that were claimed although their key is over its rate: put back untried until there is a token for them.

import type { ErrorRecord } from '../../domain/index.js'
import type { ExecutableCommand, ReportedUpdate } from '../../ports/index.js'
import { doubtUpdate } from '../crash-doubt.js'

const RATE_LIMITED: ErrorRecord = Object.freeze({
  code: 'rate_limited',
  message: 'more commands of its key came than its rate allows: it waits for its turn',
})

/** What an execution failed with is worth more than that it has to wait; and who holds up others by its key goes on doing so. */
export function overRateUpdate(command: ExecutableCommand, waitMs: number): ReportedUpdate {
  if (command.doubtful === true) return doubtUpdate(command)
  const { index, attempt, orderingKey = null } = command
  const error = attempt === 1 ? RATE_LIMITED : null
  return {
    ...{ index, state: 'retrying', attempts: attempt - 1, delayMs: waitMs, error, deferred: true },
    ...(orderingKey === null ? {} : { orderingKey }),
  }
}
