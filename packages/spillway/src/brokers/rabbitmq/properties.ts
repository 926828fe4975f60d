// A message's properties as AMQP has them: the id and the content type have fields of their own, everything else is a header.

import type { MessageProperties, Options } from 'amqplib'
import type { OutgoingMessage } from '../../ports/index.js'

const REASON = 'spillway-reason'

/** What the server writes into the headers of what it delivers again or gives up on. */
const RESERVED = /^x-(death|first-death-|last-death-|delivery-count$|acquired-count$)/

export interface Properties {
  readonly id: string | null
  readonly contentType: string | null
  readonly headers: Readonly<Record<string, string>>
}

/** Kept on disk, and sent back when there is no queue for it. */
const KEPT = { persistent: true, mandatory: true } as const

export function publishOptions({ id, contentType, headers }: OutgoingMessage): Options.Publish {
  return { ...KEPT, messageId: id, contentType, ...(headers === undefined ? {} : { headers }) }
}

export function propertiesOf(properties: MessageProperties): Properties {
  return {
    id: textOrNull(properties.messageId),
    contentType: textOrNull(properties.contentType),
    headers: Object.fromEntries(
      Object.entries<unknown>(properties.headers ?? {}).flatMap(([name, value]) => {
        const text = textOrNull(value)
        return text === null || RESERVED.test(name) ? [] : [[name, text]]
      }),
    ),
  }
}

/** A copy of a message as it is kept when nobody can read it. */
export function refusedOptions(properties: MessageProperties, reason: string): Options.Publish {
  const { id, contentType, headers } = propertiesOf(properties)
  return {
    ...KEPT,
    ...(id === null ? {} : { messageId: id }),
    ...(contentType === null ? {} : { contentType }),
    headers: { ...headers, [REASON]: reason },
  }
}

function textOrNull(value: unknown): string | null {
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : null
}
