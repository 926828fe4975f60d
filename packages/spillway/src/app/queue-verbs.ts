// Operators' verbs on queues: checked here, obeyed by every process on the store.

import type { ResolvedQueue } from '../config/index.js'
import { PAUSE_REASON_MAX, QUEUE_LEASES_MAX, type QueueSettings } from '../domain/index.js'
import { SpillwayError } from '../errors/index.js'
import type { Store } from '../ports/index.js'
import { auditNote } from './audit-note.js'
import type { ActionOptions } from './operator-api.js'

interface Surroundings {
  readonly queues: ReadonlyMap<string, ResolvedQueue>
  readonly store: Store
}

export async function pauseQueue(
  { queues, store }: Surroundings,
  queue: string,
  options: ActionOptions,
): Promise<QueueSettings> {
  checkKnown(queues, queue)
  const audit = auditNote('queue.pause', queue, options)
  const pauseReason = audit.reason?.slice(0, PAUSE_REASON_MAX) ?? null
  return store.control.configureQueue(queue, { paused: true, pauseReason }, audit)
}

export async function resumeQueue(
  { queues, store }: Surroundings,
  queue: string,
  options: ActionOptions,
): Promise<QueueSettings> {
  checkKnown(queues, queue)
  return store.control.configureQueue(queue, { paused: false }, auditNote('queue.resume', queue, options))
}

export async function limitQueue(
  { queues, store }: Surroundings,
  queue: string,
  leasesMax: unknown,
  options: ActionOptions,
): Promise<QueueSettings> {
  checkKnown(queues, queue)
  if (leasesMax !== null && !isLimit(leasesMax))
    throw new SpillwayError(
      'invalid_argument',
      `Give a limit from 1 to ${QUEUE_LEASES_MAX}, or null for none. To stop a queue, pause it.`,
    )
  const target = `${queue} to ${leasesMax ?? 'no limit'}`
  return store.control.configureQueue(queue, { leasesMax }, auditNote('queue.limit', target, options))
}

function checkKnown(queues: Surroundings['queues'], queue: string): void {
  if (queues.has(queue)) return
  throw new SpillwayError('not_found', `There is no queue '${queue}' in the configuration.`, {
    details: { queue },
  })
}

function isLimit(leasesMax: unknown): leasesMax is number {
  return Number.isSafeInteger(leasesMax) && Number(leasesMax) >= 1 && Number(leasesMax) <= QUEUE_LEASES_MAX
}
