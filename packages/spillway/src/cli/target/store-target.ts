// The store of the configuration, opened by this process, which takes part as one more that submits. It needs no server, and
// neither works on commands nor cleans up.

import type { Spillway } from '../../app/api.js'
import { isCodedError } from '../failure.js'
import { commandRecord, nodeRecord, queueRecord, receiptRecord, submitVerdictRecord } from './records.js'
import type { SpoolRecord } from './spool-records.js'
import { action, storeOperator } from './store-operator.js'
import type { Target } from './target.js'

export interface StoreTargetOptions {
  /** Ends waiting early. */
  readonly signal: AbortSignal
  /** For the audit. */
  readonly actor: string
  /** What waits in the configuration's journals. */
  readonly spools: () => Promise<readonly SpoolRecord[]>
}

export function storeTarget(
  spillway: Spillway,
  name: string,
  { signal, actor, spools }: StoreTargetOptions,
): Target {
  return {
    name,
    submit: async (type, payload, options) => receiptRecord(await spillway.submit(type, payload, options)),
    submitMany: async (type, payloads) =>
      (await spillway.submitMany(type, payloads)).map(submitVerdictRecord),
    async get(id, { payload = false, waitMs = 0 } = {}) {
      if (waitMs > 0) await waited(spillway, id, waitMs, signal)
      return commandRecord(await spillway.outcome(id, { payload }))
    },
    async list(request) {
      const { items, next } = await spillway.list(request)
      return { items: items.map(commandRecord), next }
    },
    operator: storeOperator(spillway, actor),
    queues: async () => (await spillway.queues()).map(queueRecord),
    pause: async (queue, reason) => ({ queue, ...(await spillway.pause(queue, action(actor, reason))) }),
    resume: async (queue) => ({ queue, ...(await spillway.resume(queue, { actor })) }),
    limit: async (queue, leasesMax) => ({ queue, ...(await spillway.limit(queue, leasesMax, { actor })) }),
    nodes: async () => (await spillway.nodes()).map(nodeRecord),
    spools,
    health: () => spillway.health(),
    close: () => spillway.close(),
  }
}

async function waited(spillway: Spillway, id: string, waitMs: number, signal: AbortSignal): Promise<void> {
  try {
    await spillway.outcome(id, { wait: waitMs, signal })
  } catch (error) {
    if (!isCodedError(error) || error.code !== 'wait_timeout') throw error
  }
}
