// Every bound of the HTTP interface in one place, so that an operator who meets one can find and change it.

import { COMMAND_BYTES_MAX } from '../domain/index.js'

export interface HttpLimits {
  /** Bytes of a request body that is read as a whole (NDJSON is streamed and has no such limit). */
  readonly bodyBytesMax: number
  /** Nesting of arrays and objects in JSON. */
  readonly jsonDepthMax: number
  /** Bytes of all request headers together. */
  readonly headerBytesMax: number
  /** The headers of a request must have arrived within this time. */
  readonly headersTimeoutMs: number
  /** A body must have arrived within this time; of a stream, the next bytes. */
  readonly bodyTimeoutMs: number
  /** An idle connection is kept this long for the next request. */
  readonly keepAliveTimeoutMs: number
  /** A connection on which nothing moves in either direction is cut after this time. Longer than `waitSecondsMax`. */
  readonly socketTimeoutMs: number
  /** Open connections; further ones are refused. */
  readonly connectionsMax: number
  /** Commands of one JSON bulk request. */
  readonly bulkItemsMax: number
  /** Bytes of one NDJSON line. */
  readonly lineBytesMax: number
  /** Failed lines that the answer to a stream names. */
  readonly failuresShownMax: number
  /** Seconds that one request may wait for an outcome; longer wishes are shortened to it. */
  readonly waitSecondsMax: number
  /** How long close() lets running requests finish before it cuts their connections. */
  readonly closeTimeoutMs: number
}

/** What a line needs around its payload: type, key and the like. */
const LINE_ENVELOPE_BYTES = 4 * 1024

export const HTTP_LIMITS: HttpLimits = {
  bodyBytesMax: 8 * 1024 * 1024,
  jsonDepthMax: 64,
  headerBytesMax: 16 * 1024,
  headersTimeoutMs: 10_000,
  bodyTimeoutMs: 60_000,
  keepAliveTimeoutMs: 65_000,
  socketTimeoutMs: 120_000,
  connectionsMax: 10_000,
  bulkItemsMax: 50_000,
  lineBytesMax: COMMAND_BYTES_MAX + LINE_ENVELOPE_BYTES,
  failuresShownMax: 100,
  waitSecondsMax: 60,
  closeTimeoutMs: 10_000,
}
