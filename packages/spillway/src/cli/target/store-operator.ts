// The operator's part of a store that this process has opened itself.

import type { Spillway } from '../../app/api.js'
import type { ActionOptions } from '../../app/operator-api.js'
import { VERB_COMMANDS_MAX } from '../../domain/index.js'
import { SpillwayError } from '../../errors/index.js'
import type { ControlVerdict } from '../../ports/index.js'
import type { Operator } from './operator.js'
import {
  auditRow,
  callbackRecord,
  errorGroupRecord,
  goneEndpointRecord,
  operationRecord,
} from './operator-records.js'
import { commandRecord } from './records.js'

export function storeOperator(spillway: Spillway, actor: string): Operator {
  const by = (reason: string | undefined) => action(actor, reason)
  const { callbacks, deadLetters, operations } = spillway
  return {
    cancel: (ids, reason) => inSlices(ids, (slice) => spillway.cancel(slice, by(reason))),
    retry: (ids, { reason, payload }) =>
      inSlices(ids, (slice) =>
        spillway.redrive(slice, {
          ...by(reason),
          ...(payload === undefined ? {} : { payloads: slice.map(() => payload) }),
        }),
      ),
    discard: (ids, reason) => inSlices(ids, (slice) => spillway.discard(slice, by(reason))),
    complete: async (token, outcome) => commandRecord(await spillway.complete(token, outcome)),
    errorGroups: async (request) => (await deadLetters.groups(request)).map(errorGroupRecord),
    startOperation: (request) => operations.start({ ...request, actor }),
    operation: async (id) => operationRecord(await operations.get(id)),
    async callbacks(request) {
      const { items, next } = await callbacks.list(request)
      return { items: items.map(callbackRecord), next }
    },
    redeliver: (id, reason) => callbacks.redeliver(id, by(reason)),
    goneEndpoints: async () => (await callbacks.goneEndpoints()).map(goneEndpointRecord),
    async enableEndpoint(url, reason) {
      if ((await callbacks.enableEndpoint(url, by(reason))) === 'ok') return
      throw new SpillwayError(
        'not_found',
        'No endpoint with that url answered 410; there is nothing to enable.',
      )
    },
    async audit(request) {
      const { items, next } = await spillway.audit(request)
      return { items: items.map(auditRow), next }
    },
  }
}

export function action(actor: string, reason: string | undefined): ActionOptions {
  return reason === undefined ? { actor } : { actor, reason }
}

async function inSlices(
  ids: readonly string[],
  apply: (slice: readonly string[]) => Promise<readonly ControlVerdict[]>,
): Promise<readonly ControlVerdict[]> {
  const verdicts: ControlVerdict[] = []
  for (let from = 0; from < ids.length; from += VERB_COMMANDS_MAX)
    verdicts.push(...(await apply(ids.slice(from, from + VERB_COMMANDS_MAX))))
  return verdicts
}
