// One call of an asynchronous handler: its own AbortSignal, one timer. A timeout aborts the signal and then waits for the
// handler all the same, because a handler left running behind a retry would do its work twice at once.

import { setMaxListeners } from 'node:events'
import { SpillwayError } from '../errors/index.js'
import type { Clock, ExecuteOptions } from '../ports/index.js'

/** How long after its timeout a handler may still take to notice before it counts as hung. */
export const HUNG_GRACE_MS = 5_000

export interface CallOptions extends ExecuteOptions {
  readonly clock: Clock
  readonly timeoutMs: number
}

/** How a call ended when it did not return in time: a fault of the moment, whatever the handler threw. */
export class Interrupted {
  readonly error: unknown

  constructor(error: unknown) {
    this.error = error
  }
}

/** Rejects with what the handler threw, or with `Interrupted` when it was out of time or its signal was aborted from outside. */
export async function callHandler(
  run: (signal: AbortSignal) => unknown,
  options: CallOptions,
): Promise<unknown> {
  const { clock, signal, timeoutMs, onHung } = options
  const controller = new AbortController()
  const abort = (): void => controller.abort(signal.reason)
  let timeout: SpillwayError | null = null
  let cancel = clock.schedule(timeoutMs, () => {
    timeout = new SpillwayError('handler_timeout', `the handler did not finish within ${timeoutMs} ms`)
    controller.abort(timeout)
    if (onHung !== undefined) cancel = clock.schedule(HUNG_GRACE_MS, onHung)
  })
  // One lease or one closing process may have any number of calls; Node would warn of a leak from the eleventh on.
  setMaxListeners(0, signal)
  if (signal.aborted) abort()
  else signal.addEventListener('abort', abort)
  try {
    const returned = await run(controller.signal)
    if (timeout !== null) throw timeout
    return returned
  } catch (error) {
    if (timeout !== null) throw new Interrupted(timeout)
    throw signal.aborted ? new Interrupted(error) : error
  } finally {
    cancel()
    signal.removeEventListener('abort', abort)
  }
}
