// What is answered, as JSON text. Receipts are on the hot path and put together by hand: ids, names and times are of alphabets
// that need no escaping. Results and payloads already are JSON and are passed through, not parsed and written again.

import type { NodeStatus, QueueView } from '../app/api.js'
import type { CallbackView, ErrorGroup, OperationView } from '../app/operator-api.js'
import { parseMemo, type Receipt, transition } from '../domain/index.js'
import type { CommandView } from '../ports/index.js'

export const commandPath = (prefix: string, id: string): string => `${prefix}/v1/commands/${id}`

/** ISO 8601 in UTC. Commands of one chunk share their time, so the last one is remembered. */
export const isoTime: (ms: number) => string = rememberLast((ms) => new Date(ms).toISOString())

function rememberLast(format: (ms: number) => string): (ms: number) => string {
  let lastMs = Number.NaN
  let lastText = ''
  return (ms) => {
    if (ms !== lastMs) {
      lastText = format(ms)
      lastMs = ms
    }
    return lastText
  }
}

const isoTimeOrNull = (ms: number | null): string | null => (ms === null ? null : isoTime(ms))

export function receiptJson(receipt: Receipt, path: string): string {
  const { id, type, queue, status, acceptedAt, durability } = receipt
  return `{"id":"${id}","type":"${type}","queue":"${queue}","status":"${status}","duplicate":${status === 'duplicate'},"acceptedAt":"${isoTime(acceptedAt)}","durability":"${durability}","links":{"self":"${path}"}}`
}

export function commandJson(view: CommandView, prefix: string): string {
  const { result, payload, acceptedAt, nextAt, finishedAt, history, memo, ...facts } = view
  const self = commandPath(prefix, view.id)
  const head = JSON.stringify({
    ...facts,
    acceptedAt: isoTime(acceptedAt),
    nextAt: isoTimeOrNull(nextAt),
    // All that others need of what the stages leave for each other.
    waitsUntil: view.state === 'pending' ? isoTimeOrNull(parseMemo(memo).pendingUntil ?? null) : null,
    finishedAt: isoTimeOrNull(finishedAt),
    history: history.map((attempt) => ({ ...attempt, at: isoTime(attempt.at) })),
    links: {
      self,
      ...(transition(view.state, 'cancel') === null ? {} : { cancel: `${self}/cancel` }),
      ...(transition(view.state, 'redrive') === null ? {} : { retry: `${self}/retry` }),
      ...(transition(view.state, 'discard') === null
        ? {}
        : { discard: `${prefix}/v1/dead-letters/${view.id}/discard` }),
    },
  })
  const rawMembers = `"result":${result ?? 'null'}${payload === undefined ? '' : `,"payload":${payload}`}`
  return `${head.slice(0, -1)},${rawMembers}}`
}

export function pageJson(items: readonly CommandView[], next: string | null, prefix: string): string {
  return `{"items":[${items.map((view) => commandJson(view, prefix)).join(',')}],"nextCursor":${JSON.stringify(next)}}`
}

export function queueView(view: QueueView): Readonly<Record<string, unknown>> {
  const { oldestReadyAt, ...counts } = view
  return { ...counts, oldestReadyAt: isoTimeOrNull(oldestReadyAt) }
}

export function nodeView({ startedAt, seenAt, ...node }: NodeStatus): Readonly<Record<string, unknown>> {
  return { ...node, startedAt: isoTime(startedAt), seenAt: isoTime(seenAt) }
}

export function errorGroupView(group: ErrorGroup, prefix: string): Readonly<Record<string, unknown>> {
  const { firstAt, lastAt, ...facts } = group
  const links = { sample: commandPath(prefix, group.sampleId) }
  return { ...facts, firstAt: isoTime(firstAt), lastAt: isoTime(lastAt), links }
}

export function operationView(operation: OperationView, prefix: string): Readonly<Record<string, unknown>> {
  const { startedAt, finishedAt, ...facts } = operation
  const links = { self: `${prefix}/v1/operations/${operation.id}` }
  return { ...facts, startedAt: isoTime(startedAt), finishedAt: isoTimeOrNull(finishedAt), links }
}

export function callbackPageJson(
  items: readonly CallbackView[],
  next: string | null,
  prefix: string,
): string {
  return `{"items":[${items.map((view) => callbackJson(view, prefix)).join(',')}],"nextCursor":${JSON.stringify(next)}}`
}

function callbackJson({ delivery, ...facts }: CallbackView, prefix: string): string {
  const mayBeRepeated = delivery.state === 'succeeded' || transition(delivery.state, 'redrive') !== null
  const head = JSON.stringify({
    ...facts,
    links: {
      command: commandPath(prefix, facts.commandId),
      ...(mayBeRepeated ? { redeliver: `${prefix}/v1/callbacks/${facts.id}/redeliver` } : {}),
    },
  })
  return `${head.slice(0, -1)},"delivery":${commandJson(delivery, prefix)}}`
}
