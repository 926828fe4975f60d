// How upstream is told: with which keys it is signed, where it may go, and when it is tried again.

import { configError, type Duration, durationMs } from './duration.js'
import { rejectUnknown } from './known-options.js'
import { wholeNumber } from './numbers.js'

export interface CallbackOptions {
  /** Standard Webhooks secrets, `whsec_...`, the newest first: all of them sign, so that a key can be changed without a gap. */
  secrets: string[]
  /** Which ends are told. Default all but `cancelled`. */
  on?: CallbackState[]
  /** Of one delivery, the whole exchange. Default and at most 30 s. */
  timeout?: Duration
  /** Waits between attempts; each at least this long. Default 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 10 h. */
  schedule?: Duration[]
  /** Deliveries at once in one process. Default 16. */
  concurrency?: number
  /** For private networks and tests: plain http, further ports, and address ranges (CIDR) that would be refused otherwise. */
  allowHttp?: boolean
  allowPorts?: number[]
  allowAddresses?: string[]
  /** Names that look internal and may be called all the same; their addresses are judged as ever. */
  allowHosts?: string[]
}

export const CALLBACK_STATES = ['succeeded', 'failed', 'dead', 'compensated', 'cancelled'] as const
export type CallbackState = (typeof CALLBACK_STATES)[number]

export interface ResolvedCallbacks {
  readonly secrets: readonly string[]
  readonly on: ReadonlySet<CallbackState>
  readonly timeoutMs: number
  readonly scheduleMs: readonly number[]
  readonly concurrency: number
  readonly allowHttp: boolean
  readonly allowPorts: readonly number[]
  readonly allowAddresses: readonly string[]
  readonly allowHosts: readonly string[]
}

const TIMEOUT_MS_MAX = 30_000
const SCHEDULE: readonly Duration[] = ['5s', '5m', '30m', '2h', '5h', '10h', '10h']
const KNOWN = [
  ...[
    'secrets',
    'on',
    'timeout',
    'schedule',
    'concurrency',
    'allowHttp',
    'allowPorts',
    'allowAddresses',
    'allowHosts',
  ],
]

export function resolveCallbacks(options: CallbackOptions): ResolvedCallbacks {
  rejectUnknown(options, KNOWN, 'callbacks.')
  const { secrets, on = ['succeeded', 'failed', 'dead', 'compensated'], schedule = SCHEDULE } = options
  if (
    !Array.isArray(secrets) ||
    secrets.length === 0 ||
    !secrets.every((secret) => typeof secret === 'string')
  )
    throw configError('callbacks.secrets', "a list of at least one 'whsec_...' secret", typeof secrets)
  for (const state of on)
    if (!CALLBACK_STATES.includes(state))
      throw configError('callbacks.on', `some of ${CALLBACK_STATES.join(', ')}`, state)
  const timeoutMs = durationMs(options.timeout ?? TIMEOUT_MS_MAX, 'callbacks.timeout')
  if (timeoutMs < 1 || timeoutMs > TIMEOUT_MS_MAX)
    throw configError('callbacks.timeout', `1 ms to ${TIMEOUT_MS_MAX} ms`, options.timeout)
  return {
    secrets,
    on: new Set(on),
    timeoutMs,
    scheduleMs: schedule.map((wait, at) => durationMs(wait, `callbacks.schedule[${at}]`)),
    concurrency: wholeNumber(options.concurrency ?? 16, 1, 1_000, 'callbacks.concurrency'),
    allowHttp: options.allowHttp ?? false,
    allowPorts: options.allowPorts ?? [],
    allowAddresses: options.allowAddresses ?? [],
    allowHosts: options.allowHosts ?? [],
  }
}
