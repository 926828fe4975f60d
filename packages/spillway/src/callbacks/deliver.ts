// One attempt to deliver a callback: a POST to a stranger's server, whose outcome is always data. Every phase ends by the same deadline,
// and whatever the other side does, when this returns nothing of the exchange is kept but a connection fit for the next.

import type { Clock } from '../ports/index.js'
import type { AddressGuard } from './address-guard.js'
import { Deadline } from './deadline.js'
import { deliveryError } from './delivery-error.js'
import type { DeliveryResult } from './delivery-result.js'
import type { GuardedAgent } from './guarded-agent.js'
import { EXCHANGE_MS_MAX } from './limits.js'
import { type ReadBody, readSnippet } from './response-snippet.js'
import { retryAfterMs } from './retry-after.js'

export interface DeliveryRequest {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** For the whole exchange; at most EXCHANGE_MS_MAX. */
  readonly timeoutMs: number
}

export interface DeliveryContext {
  readonly guard: AddressGuard
  readonly agent: GuardedAgent
  readonly clock: Clock
  /** Calls the delivery off. */
  readonly signal?: AbortSignal
}

/** Rejects only when `request` itself is unusable, like a header with a line break. */
export async function deliver(request: DeliveryRequest, context: DeliveryContext): Promise<DeliveryResult> {
  const { guard, agent, clock, signal } = context
  const startedAt = clock.monotonic()
  const durationMs = (): number => Math.round(clock.monotonic() - startedAt)
  const judged = guard.judgeUrl(request.url)
  if (!judged.ok) {
    return { kind: 'fault', code: 'blocked', message: `the callback url ${judged.reason}`, durationMs: 0 }
  }

  const deadline = new Deadline(clock, Math.min(request.timeoutMs, EXCHANGE_MS_MAX), signal)
  try {
    const answer = await exchange(judged.url, request, agent, deadline)
    return {
      kind: 'answer',
      status: answer.status,
      durationMs: durationMs(),
      snippet: answer.snippet,
      cut: answer.cut,
      retryAfterMs: retryAfterMs(answer.retryAfter, clock.now()),
    }
  } catch (error) {
    const { code, message } = deliveryError(error)
    return { kind: 'fault', code, message, durationMs: durationMs() }
  } finally {
    deadline.clear()
  }
}

interface Answer extends ReadBody {
  readonly status: number
  readonly retryAfter: string | readonly string[] | undefined
}

/** The parsed url is taken apart here, so that nothing behind this reads the text again. */
async function exchange(
  url: URL,
  { headers, body }: DeliveryRequest,
  agent: GuardedAgent,
  deadline: Deadline,
): Promise<Answer> {
  const connection = agent.take(url.origin)
  let complete = false
  try {
    const response = await deadline.race(
      connection.client.request({
        path: `${url.pathname}${url.search}`,
        method: 'POST',
        headers: { ...headers, 'accept-encoding': 'identity' },
        body,
        signal: deadline.signal,
      }),
    )
    const read = await readSnippet(response.body, deadline.signal)
    complete = read.cut === null
    return { status: response.statusCode, retryAfter: response.headers['retry-after'], ...read }
  } finally {
    agent.release(connection, complete)
  }
}
