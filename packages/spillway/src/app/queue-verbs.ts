// Operators' verbs on queues: checked here, obeyed by every process on the store.

import type { ResolvedConfig } from '../config/index.js'
import { PAUSE_REASON_MAX, QUEUE_LEASES_MAX, type QueueSettings } from '../domain/index.js'
import { SpillwayError } from '../errors/index.js'
import type { Store } from '../ports/index.js'

interface Surroundings {
  readonly config: Pick<ResolvedConfig, 'queues'>
  readonly store: Store
}

export async function pauseQueue(
  { config, store }: Surroundings,
  queue: string,
  reason: unknown,
): Promise<QueueSettings> {
  checkKnown(config, queue)
  if (reason !== undefined && !isReason(reason))
    throw new SpillwayError(
      'invalid_argument',
      `Give a reason as a text of at most ${PAUSE_REASON_MAX} characters.`,
    )
  return store.control.configureQueue(queue, { paused: true, pauseReason: reason ?? null })
}

export async function resumeQueue({ config, store }: Surroundings, queue: string): Promise<QueueSettings> {
  checkKnown(config, queue)
  return store.control.configureQueue(queue, { paused: false })
}

export async function limitQueue(
  { config, store }: Surroundings,
  queue: string,
  leasesMax: unknown,
): Promise<QueueSettings> {
  checkKnown(config, queue)
  if (leasesMax !== null && !isLimit(leasesMax))
    throw new SpillwayError(
      'invalid_argument',
      `Give a limit from 1 to ${QUEUE_LEASES_MAX}, or null for none. To stop a queue, pause it.`,
    )
  return store.control.configureQueue(queue, { leasesMax })
}

function checkKnown(config: Surroundings['config'], queue: string): void {
  if (config.queues.has(queue)) return
  throw new SpillwayError('not_found', `There is no queue '${queue}' in the configuration.`, {
    details: { queue },
  })
}

function isReason(reason: unknown): reason is string {
  return typeof reason === 'string' && reason.length <= PAUSE_REASON_MAX
}

function isLimit(leasesMax: unknown): leasesMax is number {
  return Number.isSafeInteger(leasesMax) && Number(leasesMax) >= 1 && Number(leasesMax) <= QUEUE_LEASES_MAX
}
