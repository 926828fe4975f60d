// The built-in command that tells upstream: each of its executions is one delivery, and its history is the delivery ledger. When it is
// tried again is the schedule's to say, not a backoff's.

import {
  type CallbackPayload,
  type CallbackSender,
  classifyDelivery,
  type DeliveryResult,
  type DeliveryVerdict,
  nextWaitMs,
  scheduledAttempts,
} from '../callbacks/index.js'
import { type AnyCommand, defineAnyCommand, type ResolvedCallbacks } from '../config/index.js'
import { failed, type HandlerOutcome, ok, retry } from '../domain/index.js'
import type { Clock, Random, Telemetry, TelemetryEvent } from '../ports/index.js'
import { CALLBACK_QUEUE, CALLBACK_TYPE } from './built-ins.js'
import type { GoneEndpoints } from './gone-endpoints.js'
import { storedPayload } from './stored-payload.js'

/** Beyond the exchange itself, for asking the store about the endpoint. */
const STORE_MS = 15_000
/** Characters of an answer that the ledger keeps of each attempt. */
const SNIPPET_LENGTH_MAX = 500

export interface CallbackCommandOptions {
  readonly callbacks: ResolvedCallbacks
  readonly sender: Pick<CallbackSender, 'send'>
  readonly endpoints: Pick<GoneEndpoints, 'isGone' | 'record'>
  readonly clock: Pick<Clock, 'now'>
  readonly random: Random
  readonly telemetry: Telemetry
}

/** This url will not be called, however often it is tried. */
class DeliveryRefused extends Error {
  override readonly name = 'DeliveryRefused'
  readonly code = 'callback_refused'
  readonly fault = 'permanent'
}

export function callbackCommand(options: CallbackCommandOptions): AnyCommand {
  const { scheduleMs, timeoutMs } = options.callbacks
  return defineAnyCommand({
    name: CALLBACK_TYPE,
    queue: CALLBACK_QUEUE,
    input: storedPayload(isCallbackPayload),
    timeout: timeoutMs + STORE_MS,
    // For what never came to a delivery, such as a store that does not answer.
    retry: { attempts: scheduledAttempts(scheduleMs), backoff: { delay: '5s', max: '10m' } },
    handle: (payload, { attempt, signal }) => deliverOnce(options, payload, attempt, signal),
  })
}

export function isCallbackPayload(value: unknown): value is CallbackPayload {
  if (typeof value !== 'object' || value === null) return false
  const { url, id, body } = value as Partial<CallbackPayload>
  return typeof url === 'string' && typeof id === 'string' && typeof body === 'string'
}

async function deliverOnce(
  options: CallbackCommandOptions,
  payload: CallbackPayload,
  attempt: number,
  signal: AbortSignal,
): Promise<HandlerOutcome> {
  const { sender, endpoints, clock } = options
  if (await endpoints.isGone(payload.url))
    return failed('gone: the endpoint answered 410 and is not called until it is enabled again')
  const result = await sender.send(payload, { signal })
  // Called off here: this says nothing about the receiver.
  if (result.kind === 'fault' && result.code === 'aborted') signal.throwIfAborted()
  const verdict = classifyDelivery(result)
  if (verdict.verdict === 'gone') await endpoints.record(payload.url, clock.now())
  return outcomeOf(options, attempt, result, verdict)
}

function outcomeOf(
  options: CallbackCommandOptions,
  attempt: number,
  result: DeliveryResult,
  verdict: DeliveryVerdict,
): HandlerOutcome {
  switch (verdict.verdict) {
    case 'delivered': {
      record(options, result, 'delivered')
      const { durationMs } = result
      return ok({ status: result.kind === 'answer' ? result.status : null, durationMs })
    }
    case 'gone':
      record(options, result, 'gone')
      return failed(`gone: ${described(verdict.reason, result)}`)
    case 'refused':
      record(options, result, 'blocked')
      throw new DeliveryRefused(verdict.reason)
    case 'retry': {
      const { scheduleMs } = options.callbacks
      const afterMs = nextWaitMs(scheduleMs, attempt, options.random(), verdict.retryAfterMs)
      record(options, result, afterMs === null ? 'failed' : 'retry')
      return retry(described(verdict.reason, result), afterMs === null ? {} : { afterMs })
    }
  }
}

function described(reason: string, result: DeliveryResult): string {
  if (result.kind === 'fault' || result.snippet === '') return reason
  return `${reason}: ${result.snippet.slice(0, SNIPPET_LENGTH_MAX)}`
}

type DeliveryOutcome = Extract<TelemetryEvent, { event: 'callback.delivery' }>['outcome']

function record(
  { telemetry }: CallbackCommandOptions,
  result: DeliveryResult,
  outcome: DeliveryOutcome,
): void {
  const status = result.kind === 'answer' ? result.status : null
  telemetry.record({ event: 'callback.delivery', outcome, status, durationMs: result.durationMs })
}
