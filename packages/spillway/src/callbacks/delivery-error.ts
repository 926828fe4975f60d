// What can go wrong between here and an answer, as one class inside this folder; deliver() turns it into data. The messages of
// Node and undici carry addresses, so that only their codes are kept: a tenant must not learn what a name resolves to in here.

import type { DeliveryFaultCode } from './delivery-result.js'

export class DeliveryError extends Error {
  override readonly name = 'DeliveryError'
  readonly code: DeliveryFaultCode

  constructor(code: DeliveryFaultCode, message: string) {
    super(message)
    this.code = code
  }
}

const FAULT_OF_CODE: Readonly<Record<string, DeliveryFaultCode>> = {
  UND_ERR_HEADERS_TIMEOUT: 'timeout',
  UND_ERR_BODY_TIMEOUT: 'timeout',
  UND_ERR_HEADERS_OVERFLOW: 'too_large',
  UND_ERR_SOCKET: 'reset',
  UND_ERR_INFO: 'reset',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'reset',
  UND_ERR_DESTROYED: 'aborted',
  UND_ERR_CLOSED: 'aborted',
}

/** ECONNRESET, EPIPE and their like: by then there was a connection. */
const SYSTEM_ERROR = /^E[A-Z]+$/

/** An error of undici, or of the socket below it, once there was a connection. Throws what is no fault of a delivery. */
export function deliveryError(error: unknown): DeliveryError {
  if (error instanceof DeliveryError) return error
  if (isParserError(error)) return new DeliveryError('protocol', 'the answer is not HTTP')
  const code = systemCode(error)
  const fault = FAULT_OF_CODE[code] ?? (SYSTEM_ERROR.test(code) ? 'reset' : undefined)
  if (fault === undefined) throw error
  return new DeliveryError(fault, `the exchange failed: ${code}`)
}

/** By its name: the class would bring the whole of undici along, which is loaded only where something is to be delivered. */
function isParserError(error: unknown): boolean {
  return error instanceof Error && error.name === 'HTTPParserError'
}

/** The code of an error of Node, for messages. */
export function systemCode(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : 'unknown'
}
