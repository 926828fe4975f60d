// A message's properties as headers of Kafka, whose values are bytes. Attributes of CloudEvents are named `ce_type` there, as the Kafka
// binding of CloudEvents has it, so that others can read and write them.

import type { IHeaders, KafkaMessage } from 'kafkajs'
import type { OutgoingMessage } from '../../ports/index.js'

const ID = 'spillway-id'
export const REASON = 'spillway-reason'
const CONTENT_TYPE = 'content-type'
const EVENT_ATTRIBUTE = /^ce-/
const EVENT_HEADER = /^ce_/

export interface Properties {
  readonly id: string | null
  readonly contentType: string | null
  readonly headers: Readonly<Record<string, string>>
}

export function headersOf({ id, contentType, headers = {} }: Omit<OutgoingMessage, 'body'>): IHeaders {
  const made: IHeaders = { [ID]: id, [CONTENT_TYPE]: contentType }
  for (const [name, value] of Object.entries(headers)) made[name.replace(EVENT_ATTRIBUTE, 'ce_')] = value
  return made
}

export function propertiesOf({ headers = {} }: Pick<KafkaMessage, 'headers'>): Properties {
  const properties: Record<string, string> = {}
  let [id, contentType]: (string | null)[] = [null, null]
  for (const [name, value] of Object.entries(headers)) {
    const text = textOf(value)
    if (name === ID) id = text
    else if (name.toLowerCase() === CONTENT_TYPE) contentType = text
    else properties[name.replace(EVENT_HEADER, 'ce-')] = text
  }
  return { id: id ?? null, contentType: contentType ?? null, headers: properties }
}

/** Of several values of one header the first counts. */
function textOf(value: IHeaders[string]): string {
  const first = Array.isArray(value) ? value[0] : value
  return first?.toString() ?? ''
}
