// What is answered, as JSON text. Receipts are on the hot path and put together by hand: ids, names and times are of alphabets
// that need no escaping. Results and payloads already are JSON and are passed through, not parsed and written again.

import type { NodeStatus, QueueView } from '../app/api.js'
import { type Receipt, transition } from '../domain/index.js'
import type { CommandView } from '../ports/index.js'

export const commandPath = (prefix: string, id: string): string => `${prefix}/v1/commands/${id}`

/** ISO 8601 in UTC. Commands of one chunk share their time, so the last one is remembered. */
const isoTime: (ms: number) => string = rememberLast((ms) => new Date(ms).toISOString())

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

export function receiptJson(receipt: Receipt, path: string): string {
  const { id, type, queue, status, acceptedAt, durability } = receipt
  return `{"id":"${id}","type":"${type}","queue":"${queue}","status":"${status}","duplicate":${status === 'duplicate'},"acceptedAt":"${isoTime(acceptedAt)}","durability":"${durability}","links":{"self":"${path}"}}`
}

export function commandJson(view: CommandView, prefix: string): string {
  const { result, payload, acceptedAt, nextAt, finishedAt, history, ...facts } = view
  const self = commandPath(prefix, view.id)
  const head = JSON.stringify({
    ...facts,
    acceptedAt: isoTime(acceptedAt),
    nextAt: nextAt === null ? null : isoTime(nextAt),
    finishedAt: finishedAt === null ? null : isoTime(finishedAt),
    history: history.map((attempt) => ({ ...attempt, at: isoTime(attempt.at) })),
    links: {
      self,
      ...(transition(view.state, 'cancel') === null ? {} : { cancel: `${self}/cancel` }),
      ...(transition(view.state, 'redrive') === null ? {} : { retry: `${self}/retry` }),
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
  return { ...counts, oldestReadyAt: oldestReadyAt === null ? null : isoTime(oldestReadyAt) }
}

export function nodeView({ startedAt, seenAt, ...node }: NodeStatus): Readonly<Record<string, unknown>> {
  return { ...node, startedAt: isoTime(startedAt), seenAt: isoTime(seenAt) }
}
