// Requests to a running Spillway: bounded in time and size, never redirected (a token must not travel on), and with every
// failure turned into the error it stands for.

import { SpillwayError } from '../../errors/index.js'
import { systemClock } from '../../runtime/index.js'
import { problemError } from './problem-error.js'

/** A server that says nothing for so long does not answer. On top of what it was asked to wait. */
const REQUEST_TIMEOUT_MS = 30_000
/** Bytes of one answer. */
const RESPONSE_BYTES_MAX = 64 * 1024 * 1024

export interface HttpAddress {
  /** Where the routes are mounted, without a slash at the end. */
  readonly base: string
  readonly token: string | null
  /** Whose name stands in the audit. */
  readonly actor: string
}

export interface HttpRequest {
  readonly method?: 'GET' | 'POST'
  /** Below the base, with its query. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  /** JSON text. */
  readonly body?: string
  readonly waitMs?: number
  /** Statuses beside 2xx that are answers and not errors. */
  readonly accept?: readonly number[]
}

export class HttpClient {
  readonly #address: HttpAddress
  readonly #signal: AbortSignal

  constructor(address: HttpAddress, signal: AbortSignal) {
    this.#address = address
    this.#signal = signal
  }

  /** The JSON value of the answer. */
  async request(request: HttpRequest): Promise<unknown> {
    const over = new AbortController()
    const abort = (): void => over.abort()
    const cancelTimeout = systemClock.schedule(REQUEST_TIMEOUT_MS + (request.waitMs ?? 0), abort)
    this.#signal.addEventListener('abort', abort)
    if (this.#signal.aborted) abort()
    try {
      const response = await fetch(`${this.#address.base}${request.path}`, this.#init(request, over.signal))
      const value = jsonValue(await boundedText(response))
      if (response.ok || request.accept?.includes(response.status) === true) return this.#known(value)
      throw problemError(response.status, value, this.#address.base)
    } catch (error) {
      throw error instanceof SpillwayError ? error : this.#unreachable(error, over.signal.aborted)
    } finally {
      cancelTimeout()
      this.#signal.removeEventListener('abort', abort)
    }
  }

  #init({ method = 'GET', headers, body }: HttpRequest, signal: AbortSignal): RequestInit {
    const { token, actor } = this.#address
    return {
      method,
      signal,
      redirect: 'manual',
      headers: {
        accept: 'application/json',
        ...(method === 'GET' ? {} : { 'x-spillway-actor': actor }),
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body }),
    }
  }

  #known(value: unknown): unknown {
    if (value !== undefined) return value
    throw new SpillwayError(
      'store_unavailable',
      `${this.#address.base} answers, but not like a Spillway. Check the address.`,
    )
  }

  #unreachable(error: unknown, timedOut: boolean): SpillwayError {
    const { base } = this.#address
    const reason = timedOut ? 'it did not answer in time' : networkReason(error)
    return new SpillwayError(
      'store_unavailable',
      `No Spillway can be reached at ${base}: ${reason}. Check that it runs (spillway dev) and that the address is right.`,
      { cause: error },
    )
  }
}

/** fetch hides the reason behind its own "fetch failed"; a name with several addresses hides it once more. */
function networkReason(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error
  const first = cause instanceof AggregateError ? cause.errors[0] : cause
  if (first instanceof Error) return 'code' in first ? String(first.code) : first.message
  return 'the connection failed'
}

async function boundedText(response: Response): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for await (const part of response.body ?? []) {
    bytes += part.byteLength
    if (bytes > RESPONSE_BYTES_MAX) {
      throw new SpillwayError(
        'unsupported',
        `The answer has more than ${RESPONSE_BYTES_MAX} bytes. Ask for less at once.`,
      )
    }
    text += decoder.decode(part, { stream: true })
  }
  return text + decoder.decode()
}

/** Undefined when the text is not JSON. */
function jsonValue(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
