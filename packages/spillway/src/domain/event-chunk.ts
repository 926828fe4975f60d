// A chunk of one command as a CloudEvent, for consumers in other languages, and back. Its event carries everything that the chunk's
// envelope would, so that a Spillway that consumes it stores the very same chunk, and the command is found by the id on its receipt.

import type { ChunkDraft, KeyDraft, ParkedDraft } from './chunk.js'
import type { CloudEvent } from './cloud-event.js'
import { fingerprint } from './fingerprint.js'
import { chunkIdTime, commandId, parseCommandId } from './ids.js'
import {
  DELAY_MS_MAX,
  KEY_LENGTH_MAX,
  NAME_LENGTH_MAX,
  PARTITIONS_MAX,
  PRIORITY_ABS_MAX,
  TENANT_LENGTH_MAX,
} from './limits.js'

/** Of every event that Spillway makes; the queue's name follows. */
const SOURCE = '/spillway/'

/** The event as JSON text. Throws a RangeError for a chunk of several commands. */
export function encodeEventChunk(draft: ChunkDraft): string {
  const { id, queue, type, priority, partition, tenant, size, keys, parked, body } = draft
  if (size !== 1) throw new RangeError(`an event holds one command, and this chunk ${size}`)
  const key = keys?.[0] ?? null
  const nextAt = parked?.[0]?.nextAt ?? null
  const attributes = {
    specversion: '1.0',
    id: commandId(id, 0),
    source: `${SOURCE}${encodeURIComponent(queue)}`,
    type,
    time: new Date(chunkIdTime(id)).toISOString(),
    datacontenttype: 'application/json',
    ...(priority === 0 ? {} : { priority }),
    ...(partition === null ? {} : { partition }),
    ...(tenant ? { tenant } : {}),
    ...(key === null ? {} : { idempotencykey: key.key, idempotencywindow: `${key.windowMs}` }),
    ...(nextAt === null ? {} : { runat: new Date(nextAt).toISOString() }),
  }
  // The body is an array of one: what is between its brackets is the payload as it was encoded.
  return `${JSON.stringify(attributes).slice(0, -1)},"data":${body.slice(1, -1)}}`
}

/** The chunk, where a Spillway made the event; null for events of others. Throws a SyntaxError for what only looks like it. */
export function eventChunk({ id, source, type, data, attributes }: CloudEvent): ChunkDraft | null {
  const ref = source.startsWith(SOURCE) ? parseCommandId(id) : null
  if (ref === null || ref.index !== 0) return null
  const { partition = null, tenant = null } = attributes
  const json = JSON.stringify(data)
  const key = keyOf(attributes, json)
  const row = rowOf(attributes)
  return {
    id: ref.chunkId,
    queue: queueOf(source),
    type: text(type, NAME_LENGTH_MAX, 'type'),
    priority: eventPriority(attributes) ?? 0,
    partition: partition === null ? null : wholeNumber(partition, 0, PARTITIONS_MAX, 'partition'),
    tenant: tenant === null ? null : text(tenant, TENANT_LENGTH_MAX, 'tenant'),
    codec: 'json',
    body: `[${json}]`,
    size: 1,
    keys: key === null ? null : [key],
    parked: row === null ? null : [row],
  }
}

/** The extension `priority`, for events of anybody; null when it is absent. Throws a SyntaxError. */
export function eventPriority({ priority }: CloudEvent['attributes']): number | null {
  return priority === undefined
    ? null
    : wholeNumber(priority, -PRIORITY_ABS_MAX, PRIORITY_ABS_MAX, 'priority')
}

function queueOf(source: string): string {
  let name: string
  try {
    name = decodeURIComponent(source.slice(SOURCE.length))
  } catch {
    return broken('source')
  }
  return text(name, NAME_LENGTH_MAX, 'source')
}

function keyOf(
  { idempotencykey, idempotencywindow }: CloudEvent['attributes'],
  json: string,
): KeyDraft | null {
  if (idempotencykey === undefined) return null
  return {
    key: text(idempotencykey, KEY_LENGTH_MAX, 'idempotencykey'),
    fingerprint: fingerprint(json),
    windowMs: wholeNumber(idempotencywindow, 0, DELAY_MS_MAX, 'idempotencywindow'),
  }
}

function rowOf({ runat }: CloudEvent['attributes']): ParkedDraft | null {
  if (runat === undefined) return null
  const nextAt = typeof runat === 'string' ? Date.parse(runat) : Number.NaN
  if (!Number.isSafeInteger(nextAt) || nextAt < 0) return broken('runat')
  return { state: 'scheduled', nextAt, attempts: 0, error: null }
}

/** Numbers are text in the headers of a message. */
function wholeNumber(value: unknown, min: number, max: number, name: string): number {
  const number = typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : value
  if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < min || number > max)
    return broken(name)
  return number
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: what must not be in a name or a key.
const CONTROL = /[\u0000-\u001f\u007f]/

function text(value: unknown, lengthMax: number, name: string): string {
  const isUsable = typeof value === 'string' && value !== '' && value.length <= lengthMax
  return isUsable && !CONTROL.test(value) ? value : broken(name)
}

function broken(attribute: string): never {
  throw new SyntaxError(`the event has no valid attribute ${attribute}`)
}
