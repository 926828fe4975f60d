// Arrays as parameters, in PostgreSQL's binary format: bodies and keys travel as they are, where the text format would
// escape every quote in them here and undo it there. https://www.postgresql.org/docs/current/protocol-overview.html

const INT4 = 23
const INT8 = 20
const TEXT = 25
const BOOL = 16

/** Dimensions, whether there are nulls, type of the elements; length and lower bound of the one dimension. */
const HEADER_BYTES = 20
const NULL_LENGTH = -1

export function int4s(values: readonly number[]): Buffer {
  const buffer = header(INT4, values.length, values.length * 8)
  let at = HEADER_BYTES
  for (const value of values) {
    at = buffer.writeInt32BE(4, at)
    at = buffer.writeInt32BE(value, at)
  }
  return buffer
}

/** Whole numbers beyond 32 bits; fractions are cut off. */
export function int8s(values: readonly number[]): Buffer {
  const buffer = header(INT8, values.length, values.length * 12)
  let at = HEADER_BYTES
  for (const value of values) {
    const high = Math.floor(value / 2 ** 32)
    at = buffer.writeInt32BE(8, at)
    at = buffer.writeInt32BE(high, at)
    at = buffer.writeUInt32BE(Math.trunc(value - high * 2 ** 32), at)
  }
  return buffer
}

export function bools(values: readonly boolean[]): Buffer {
  const buffer = header(BOOL, values.length, values.length * 5)
  let at = HEADER_BYTES
  for (const value of values) {
    at = buffer.writeInt32BE(1, at)
    at = buffer.writeUInt8(value ? 1 : 0, at)
  }
  return buffer
}

export function texts(values: readonly (string | null)[]): Buffer {
  let bytes = 0
  for (const value of values) bytes += 4 + (value === null ? 0 : Buffer.byteLength(value))
  const buffer = header(TEXT, values.length, bytes)
  let at = HEADER_BYTES
  for (const value of values) {
    if (value === null) {
      at = buffer.writeInt32BE(NULL_LENGTH, at)
      continue
    }
    const written = buffer.write(value, at + 4)
    buffer.writeInt32BE(written, at)
    at += 4 + written
  }
  return buffer
}

function header(type: number, length: number, bytes: number): Buffer {
  if (length === 0) return emptyArray(type)
  const buffer = Buffer.allocUnsafe(HEADER_BYTES + bytes)
  let at = buffer.writeInt32BE(1, 0)
  // The server finds nulls by itself; this only says that there may be some.
  at = buffer.writeInt32BE(1, at)
  at = buffer.writeInt32BE(type, at)
  at = buffer.writeInt32BE(length, at)
  buffer.writeInt32BE(1, at)
  return buffer
}

/** An array without elements has no dimension either. */
function emptyArray(type: number): Buffer {
  const buffer = Buffer.alloc(12)
  buffer.writeInt32BE(type, 8)
  return buffer
}
