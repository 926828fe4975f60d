// CloudEvents 1.0 as they come in messages: structured, the event as one JSON object, or binary, its attributes in the message's headers and
// its data the body. What other languages produce is read here; that the data is what a command wants is for its schema to say.

/** What a message that is one structured event is declared as. */
export const CLOUD_EVENT_CONTENT_TYPE = 'application/cloudevents+json'

/** Bytes of an attribute's text at most: they are names and keys. */
const ATTRIBUTE_LENGTH_MAX = 2_048

export interface CloudEvent {
  readonly id: string
  readonly source: string
  readonly type: string
  /** As JSON has it. */
  readonly data: unknown
  /** Every other attribute, extensions included, as it came: text in binary messages. */
  readonly attributes: Readonly<Record<string, unknown>>
}

/** What is looked at of a message. */
export interface EventMessage {
  readonly contentType: string | null
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/** Null when the message does not say that it is an event. Throws a SyntaxError that says what is wrong with one that does. */
export function readCloudEvent(message: EventMessage): CloudEvent | null {
  const mediaType = mediaTypeOf(message.contentType)
  if (mediaType === CLOUD_EVENT_CONTENT_TYPE) return structured(message.body)
  if (mediaType === 'application/cloudevents-batch+json')
    return broken('is one of many in a message: send each alone')
  if (mediaType.startsWith('application/cloudevents'))
    return broken(`is of a format other than JSON (${mediaType})`)
  const attributes = attributesIn(message.headers)
  return attributes === null ? null : binary(attributes, mediaType, message.body)
}

/** The JSON value of a message's body, events or not. Throws a SyntaxError. */
export function readJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(UTF8.decode(body))
  } catch {
    // The parser's own message would quote the payload.
    throw new SyntaxError('the message is not JSON text')
  }
}

function structured(body: Uint8Array): CloudEvent {
  const event = readJson(body)
  if (typeof event !== 'object' || event === null || Array.isArray(event)) return broken('is no JSON object')
  const { data, data_base64: encoded, ...attributes } = event as Record<string, unknown>
  const { datacontenttype } = attributes
  const isJson = datacontenttype === undefined || isJsonType(mediaTypeOf(datacontenttype))
  if (!isJson) return broken('has data that is not JSON: see its datacontenttype')
  return eventOf(attributes, encoded === undefined ? data : decoded(encoded))
}

function decoded(encoded: unknown): unknown {
  if (typeof encoded !== 'string') return broken('has data_base64 that is no text')
  return readJson(Buffer.from(encoded, 'base64'))
}

function binary(attributes: Record<string, string>, mediaType: string, body: Uint8Array): CloudEvent {
  if (mediaType !== '' && !isJsonType(mediaType)) return broken(`has data that is not JSON (${mediaType})`)
  return eventOf(attributes, readJson(body))
}

function eventOf(given: Record<string, unknown>, data: unknown): CloudEvent {
  const { specversion, id, source, type, ...attributes } = given
  if (specversion !== '1.0') return broken(`is not of version 1.0 of the specification`)
  if (!isText(id)) return broken('has no id')
  if (!isText(source)) return broken('has no source')
  if (!isText(type)) return broken('has no type')
  if (data === undefined) return broken('has no data')
  return { id, source, type, data, attributes }
}

/** Prefixes by protocol binding: NATS and HTTP, Kafka, AMQP in its two spellings. */
const PREFIXES = ['ce-', 'ce_', 'cloudevents_', 'cloudevents:'] as const

/** By name without its prefix; null where there is no `specversion`. */
function attributesIn(headers: Readonly<Record<string, string>>): Record<string, string> | null {
  const attributes: Record<string, string> = {}
  for (const [header, value] of Object.entries(headers)) {
    const name = header.toLowerCase()
    const prefix = PREFIXES.find((one) => name.startsWith(one))
    if (prefix !== undefined)
      attributes[name.slice(prefix.length)] = prefix === 'ce-' ? unescaped(value) : value
  }
  return attributes.specversion === undefined ? null : attributes
}

/** Where headers are ASCII, anything else is percent-encoded. */
function unescaped(value: string): string {
  try {
    return decodeURIComponent(value)
  } catch {
    return value
  }
}

function mediaTypeOf(contentType: unknown): string {
  if (typeof contentType !== 'string') return ''
  return (contentType.split(';', 1)[0] as string).trim().toLowerCase()
}

function isJsonType(mediaType: string): boolean {
  return mediaType === 'application/json' || mediaType === 'text/json' || mediaType.endsWith('+json')
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= ATTRIBUTE_LENGTH_MAX
}

const UTF8 = new TextDecoder('utf-8', { fatal: true })

function broken(how: string): never {
  throw new SyntaxError(`the event ${how}`)
}
