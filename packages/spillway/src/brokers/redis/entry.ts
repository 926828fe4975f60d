// A message as an entry of a stream: a few named fields, so that others can write and read them with XADD and XREAD.

import type { OutgoingMessage } from '../../ports/index.js'

/** As the client answers: id, then names and values in turn. */
export type RawEntry = readonly [Buffer, readonly Buffer[]]

export interface Entry {
  /** The entry's, as the stream has it. */
  readonly entryId: string
  readonly id: string | null
  readonly contentType: string | null
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

export function fieldsOf({ id, contentType, headers, body }: OutgoingMessage): (string | Buffer)[] {
  const fields: (string | Buffer)[] = ['id', id, 'content-type', contentType]
  if (headers !== undefined && Object.keys(headers).length > 0)
    fields.push('headers', JSON.stringify(headers))
  fields.push('body', Buffer.from(body.buffer, body.byteOffset, body.byteLength))
  return fields
}

export function entryOf([entryId, fields]: RawEntry): Entry {
  const found = new Map<string, Buffer>()
  for (let at = 0; at + 1 < fields.length; at += 2)
    found.set(String(fields[at]).toLowerCase(), fields[at + 1] as Buffer)
  return {
    entryId: entryId.toString(),
    id: found.get('id')?.toString() ?? null,
    contentType: found.get('content-type')?.toString() ?? null,
    headers: headersOf(found.get('headers')),
    body: found.get('body') ?? new Uint8Array(0),
  }
}

/** Others may write what they like. */
function headersOf(text: Buffer | undefined): Readonly<Record<string, string>> {
  if (text === undefined) return {}
  try {
    const found: unknown = JSON.parse(text.toString())
    if (typeof found !== 'object' || found === null) return {}
    return Object.fromEntries(Object.entries(found).filter(([, value]) => typeof value === 'string'))
  } catch {
    return {}
  }
}
