// Between commands and a chunk's body. The body is a JSON array, so that it can be read, queried and unnested in SQL.

/** Joins payloads that already are JSON text. */
export function encodeBody(payloads: readonly string[]): string {
  return `[${payloads.join(',')}]`
}

/** Payloads in order; throws when the body is not an array of `size` entries. */
export function decodeBody(body: string, size: number): unknown[] {
  const payloads: unknown = JSON.parse(body)
  if (!Array.isArray(payloads) || payloads.length !== size) {
    throw new SyntaxError(`chunk body is not an array of ${size} payloads`)
  }
  return payloads
}
