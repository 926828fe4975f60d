// A chunk outside of a store: in a frame of a journal, in a message of a broker. Three lines of JSON text: the address (who has to
// know where it goes reads no further), the details that differ per command, and the body as it is, so that whoever forwards a chunk
// parses a hundred bytes of it, and a person who looks at one can read it. JSON text has no line feeds of its own.

import type { ChunkDraft, Codec, KeyDraft, ParkedDraft } from './chunk.js'
import {
  CHUNK_COMMANDS_MAX,
  DELAY_MS_MAX,
  KEY_LENGTH_MAX,
  NAME_LENGTH_MAX,
  PARTITIONS_MAX,
  PRIORITY_ABS_MAX,
  TENANT_LENGTH_MAX,
} from './limits.js'

const ENVELOPE_VERSION = 1

/** What a message that holds an envelope is declared as. */
export const ENVELOPE_CONTENT_TYPE = 'application/vnd.spillway.chunk'

/** The first line: where a chunk goes, and how much it is. */
export type ChunkAddress = Pick<ChunkDraft, 'id' | 'queue' | 'type' | 'partition' | 'size'>

/** What differs per command; absent when there is nothing to say. */
type ChunkDetails = Pick<ChunkDraft, 'keys' | 'parked'>

interface AddressLine extends ChunkAddress {
  readonly v: number
  readonly priority: number
  readonly tenant: string | null
  readonly codec: Codec
}

const LINE_FEED = 0x0a
/** Bytes of the first line at most: names are short. */
const ADDRESS_BYTES_MAX = 4_096

const CHUNK_ID = /^[0-9a-f]{32}$/
const FINGERPRINT_LENGTH_MAX = 128

export function encodeEnvelope(draft: ChunkDraft): string {
  const { id, queue, type, priority, partition, tenant = null, codec, size, keys, parked, body } = draft
  const address: AddressLine = {
    v: ENVELOPE_VERSION,
    ...{ id, queue, type, priority, partition, tenant, codec, size },
  }
  const details = keys === null && parked === null ? '' : JSON.stringify({ keys, parked })
  return `${JSON.stringify(address)}\n${details}\n${body}`
}

/** Reads the first line alone. Throws a SyntaxError that says what is wrong, as decodeEnvelope does. */
export function readAddress(bytes: Uint8Array): ChunkAddress {
  return addressLine(bytes, lineEnd(bytes, 0))
}

/** The chunk as it was encoded. The body is not looked at: decodeBody does that. */
export function decodeEnvelope(bytes: Uint8Array): ChunkDraft {
  const addressEnd = lineEnd(bytes, 0)
  const detailsEnd = lineEnd(bytes, addressEnd + 1)
  const { v: _, ...address } = addressLine(bytes, addressEnd)
  const details =
    detailsEnd === addressEnd + 1 ? NO_DETAILS : detailsLine(bytes, addressEnd + 1, detailsEnd, address.size)
  return { ...address, ...details, body: textOf(bytes.subarray(detailsEnd + 1)) }
}

const NO_DETAILS: ChunkDetails = { keys: null, parked: null }

function lineEnd(bytes: Uint8Array, from: number): number {
  const end = bytes.indexOf(LINE_FEED, from)
  return end === -1 ? broken('has no three lines') : end
}

function addressLine(bytes: Uint8Array, end: number): AddressLine {
  if (end > ADDRESS_BYTES_MAX) broken('has an address that is too long')
  const line = jsonOf(bytes.subarray(0, end))
  if (!isRecord(line)) return broken('has no address')
  const { v, id, queue, type, priority, partition, tenant, codec, size } = line
  if (typeof v !== 'number') return broken('names no version')
  if (v !== ENVELOPE_VERSION) broken(`is of version ${v}, this Spillway reads ${ENVELOPE_VERSION}`)
  if (typeof id !== 'string' || !CHUNK_ID.test(id)) return broken('has no chunk id')
  if (!isText(queue, NAME_LENGTH_MAX)) return broken('names no queue')
  if (!isText(type, NAME_LENGTH_MAX)) return broken('names no type')
  if (!isWithin(priority, -PRIORITY_ABS_MAX, PRIORITY_ABS_MAX)) return broken('has no valid priority')
  if (partition !== null && !isWithin(partition, 0, PARTITIONS_MAX)) return broken('has no valid partition')
  if (tenant !== null && !isText(tenant, TENANT_LENGTH_MAX)) return broken('has no valid tenant')
  if (codec !== 'json') return broken('has a body of an unknown codec')
  if (!isWithin(size, 1, CHUNK_COMMANDS_MAX)) return broken('has no valid size')
  return { v, id, queue, type, priority, partition, tenant, codec, size }
}

function detailsLine(bytes: Uint8Array, from: number, to: number, size: number): ChunkDetails {
  const line = jsonOf(bytes.subarray(from, to))
  if (!isRecord(line)) return broken('has no details')
  const { keys = null, parked = null } = line
  if (keys !== null && !isList(keys, size, isKey)) return broken('has no valid keys')
  if (parked !== null && !isList(parked, size, isParked)) return broken('has no valid rows')
  return { keys, parked }
}

function isList<Item>(
  value: unknown,
  size: number,
  isItem: (item: unknown) => item is Item,
): value is (Item | null)[] {
  return Array.isArray(value) && value.length === size && value.every((item) => item === null || isItem(item))
}

function isKey(value: unknown): value is KeyDraft {
  if (!isRecord(value)) return false
  const { key, fingerprint, windowMs } = value
  return (
    isText(key, KEY_LENGTH_MAX) &&
    isText(fingerprint, FINGERPRINT_LENGTH_MAX) &&
    isWithin(windowMs, 0, DELAY_MS_MAX)
  )
}

/** On its way a command is at most put off: whatever else can become of it, a worker says to the store. */
function isParked(value: unknown): value is ParkedDraft {
  if (!isRecord(value)) return false
  const { state, nextAt, attempts, error, orderingKey = null, ...rest } = value
  return (
    state === 'scheduled' &&
    isWithin(nextAt, 0, Number.MAX_SAFE_INTEGER) &&
    attempts === 0 &&
    error === null &&
    (orderingKey === null || isText(orderingKey, KEY_LENGTH_MAX)) &&
    Object.keys(rest).length === 0
  )
}

function isText(value: unknown, lengthMax: number): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= lengthMax && !CONTROL.test(value)
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: what must not be in a name or a key.
const CONTROL = /[\u0000-\u001f\u007f]/

function isWithin(value: unknown, min: number, max: number): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function textOf(bytes: Uint8Array): string {
  try {
    return UTF8.decode(bytes)
  } catch {
    return broken('is not UTF-8 text')
  }
}

/** The parser's own message may quote what it read. */
function jsonOf(bytes: Uint8Array): unknown {
  const text = textOf(bytes)
  try {
    return JSON.parse(text)
  } catch {
    return broken('is not JSON where it should be')
  }
}

function broken(how: string): never {
  throw new SyntaxError(`the envelope ${how}`)
}
