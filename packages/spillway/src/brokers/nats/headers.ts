// A message's properties as headers of NATS, whose values are one line of ASCII: what does not fit is written as in a URL, as the NATS
// binding of CloudEvents has it, so that others can read and write them.

import type { Msg, MsgHdrs } from '@nats-io/transport-node'
import { headers } from '@nats-io/transport-node'
import type { OutgoingMessage } from '../../ports/index.js'

const ID = 'Nats-Msg-Id'
const CONTENT_TYPE = 'content-type'
const REASON = 'spillway-reason'
/** The server's own. */
const RESERVED = /^nats-/i
const NOT_PLAIN = /[^\x21\x23\x24\x26-\x7e]/gu

export interface Properties {
  readonly id: string | null
  readonly contentType: string | null
  readonly headers: Readonly<Record<string, string>>
}

export function headersOf({
  contentType,
  headers: more = {},
}: Pick<OutgoingMessage, 'contentType' | 'headers'>): MsgHdrs {
  const made = headers()
  made.set(CONTENT_TYPE, encoded(contentType))
  for (const [name, value] of Object.entries(more)) made.set(name, encoded(value))
  return made
}

/** A value as it travels. */
export function encoded(text: string): string {
  return text.toWellFormed().replace(NOT_PLAIN, encodeURIComponent)
}

export function propertiesOf({ headers: found }: Pick<Msg, 'headers'>): Properties {
  const properties: Record<string, string> = {}
  let [id, contentType]: (string | null)[] = [null, null]
  for (const [name, [value = '']] of found ?? []) {
    if (name.toLowerCase() === ID.toLowerCase()) id = decoded(value)
    else if (name.toLowerCase() === CONTENT_TYPE) contentType = decoded(value)
    else if (!RESERVED.test(name)) properties[name] = decoded(value)
  }
  return { id: id ?? null, contentType: contentType ?? null, headers: properties }
}

/** The headers of a refused message: its own, and why. */
export function refusedHeaders({ headers: found }: Pick<Msg, 'headers'>, reason: string | null): MsgHdrs {
  const made = headers()
  for (const [name, [value = '']] of found ?? []) {
    if (!RESERVED.test(name) || name === ID) made.set(name, value)
  }
  if (reason !== null) made.set(REASON, encoded(reason))
  return made
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value)
  } catch {
    return value
  }
}
