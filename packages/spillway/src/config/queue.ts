// What a queue's options come to: how its commands travel, how many run at once, in which order, how fast, and when no more are
// taken.

import {
  type AdmissionPolicy,
  CHUNK_COMMANDS_MAX,
  PARTITIONS_DEFAULT,
  PARTITIONS_MAX,
  RATE_PER_MS_MAX,
  RATE_TOKENS_MAX,
  type RateLimit,
} from '../domain/index.js'
import { type ChannelSpec, direct, store as storeChannel } from './channels.js'
import { type AnyCommand, checkName, checkOwnName } from './command.js'
import { configError, durationMs, sizeBytes } from './duration.js'
import { rejectUnknown } from './known-options.js'
import { wholeNumber } from './numbers.js'
import { checkFit, checkShaping, checkSpools } from './queue-fit.js'
import type { QueueOptions, RateOptions } from './queue-options.js'

export type ResolvedRate = Required<RateLimit>

export interface ResolvedAdmission extends AdmissionPolicy {
  readonly perTenant: ResolvedRate | null
}

export interface ResolvedQueue {
  readonly name: string
  readonly channel: ChannelSpec
  /** Handler calls at once, at most. */
  readonly concurrency: number
  /** How the number of calls at once adapts; null = it is fixed. */
  readonly adaptive: { readonly min: number; readonly latencyMs: number | null } | null
  /** Partitions of an ordered queue, else null. */
  readonly partitions: number | null
  readonly onDead: 'skip' | 'block'
  readonly rateLimit: ResolvedRate | null
  readonly keyRateLimit: ResolvedRate | null
  /** Weights by tenant; null = no turns are taken. */
  readonly tenants: ReadonlyMap<string, number> | null
  readonly admission: ResolvedAdmission | null
  readonly leaseMs: number
  /** Commands per chunk at most. */
  readonly chunkCommandsMax: number
  readonly commands: readonly AnyCommand[]
}

export function resolveQueues(
  options: Record<string, QueueOptions>,
  commands: readonly AnyCommand[],
): Map<string, ResolvedQueue> {
  const names = new Set(['default', ...commands.map((command) => command.queue), ...Object.keys(options)])
  const queues = new Map<string, ResolvedQueue>()
  for (const name of names) {
    if (options[name] === undefined) checkName(name, `queues.${name}`)
    else checkOwnName(name, `queues.${name}`)
    queues.set(
      name,
      resolveQueue(
        name,
        options[name] ?? {},
        commands.filter((command) => command.queue === name),
      ),
    )
  }
  checkSpools(queues.values())
  return queues
}

function resolveQueue(name: string, options: QueueOptions, commands: readonly AnyCommand[]): ResolvedQueue {
  const path = `queues.${name}`
  rejectUnknown(options, KNOWN, `${path}.`)
  const { concurrency, adaptive } = concurrencyOf(options.concurrency ?? 8, `${path}.concurrency`)
  const rateLimit = rateOf(options.rateLimit, `${path}.rateLimit`)
  const partitions =
    options.ordered === undefined
      ? null
      : wholeNumber(
          options.ordered.partitions ?? PARTITIONS_DEFAULT,
          1,
          PARTITIONS_MAX,
          `${path}.ordered.partitions`,
        )
  const channel = channelOf(options.channel ?? 'store', path)
  for (const command of commands) {
    checkFit(command, channel, partitions, path)
    checkShaping(command, options, channel, path)
  }
  const onlySingles = commands.length > 0 && commands.every((command) => command.handler.kind === 'one')
  return {
    name,
    channel,
    concurrency,
    adaptive,
    partitions,
    onDead: onDeadOf(options.ordered, `${path}.ordered`),
    rateLimit,
    keyRateLimit: rateOf(options.keyRateLimit, `${path}.keyRateLimit`),
    tenants: tenantsOf(options.tenants, `${path}.tenants`),
    admission: admissionOf(options.admission, `${path}.admission`),
    leaseMs: wholeNumber(
      durationMs(options.lease ?? '30s', `${path}.lease`),
      1_000,
      86_400_000,
      `${path}.lease`,
    ),
    chunkCommandsMax: Math.min(
      CHUNK_COMMANDS_MAX,
      // Slow one-at-a-time commands are spread over workers instead of queueing behind one lease.
      onlySingles ? concurrency * 4 : CHUNK_COMMANDS_MAX,
      // What is claimed at once counts at once: a chunk never holds more than may start at once.
      rateLimit?.burst ?? CHUNK_COMMANDS_MAX,
    ),
    commands,
  }
}

function channelOf(channel: 'store' | 'direct' | ChannelSpec, path: string): ChannelSpec {
  if (channel === 'store') return storeChannel()
  if (channel === 'direct') return direct()
  if (typeof channel === 'object' && channel !== null && CHANNEL_KINDS.includes(channel.kind)) return channel
  throw configError(
    `${path}.channel`,
    "'store', 'direct', store(...), pool(...), buffer(...), journal(...) or a broker such as rabbitmq(url)",
    channel,
  )
}

const CHANNEL_KINDS: readonly string[] = [
  ...(['store', 'direct', 'pool', 'buffer', 'broker', 'journal'] as const satisfies ChannelSpec['kind'][]),
]

const KNOWN = [
  ...['channel', 'concurrency', 'ordered', 'rateLimit', 'keyRateLimit', 'tenants', 'admission', 'lease'],
]

function onDeadOf(ordered: QueueOptions['ordered'], path: string): 'skip' | 'block' {
  rejectUnknown(ordered ?? {}, ['partitions', 'onDead'], `${path}.`)
  const onDead = ordered?.onDead ?? 'skip'
  if (onDead !== 'skip' && onDead !== 'block')
    throw configError(`${path}.onDead`, "'skip' or 'block'", onDead)
  return onDead
}

function concurrencyOf(
  value: NonNullable<QueueOptions['concurrency']>,
  path: string,
): Pick<ResolvedQueue, 'concurrency' | 'adaptive'> {
  if (typeof value !== 'object' || value === null)
    return { concurrency: wholeNumber(value, 1, 10_000, path), adaptive: null }
  rejectUnknown(value, ['min', 'max', 'latency'], `${path}.`)
  const concurrency = wholeNumber(value.max, 1, 10_000, `${path}.max`)
  const min = wholeNumber(value.min ?? 1, 1, concurrency, `${path}.min`)
  const latencyMs = value.latency === undefined ? null : durationMs(value.latency, `${path}.latency`)
  return { concurrency, adaptive: { min, latencyMs } }
}

function rateOf(rate: RateOptions | undefined, path: string): ResolvedRate | null {
  if (rate === undefined) return null
  rejectUnknown(rate, ['limit', 'per', 'burst'], `${path}.`)
  const limit = wholeNumber(rate.limit, 1, RATE_TOKENS_MAX, `${path}.limit`)
  const perMs = durationMs(rate.per, `${path}.per`)
  if (perMs < 1 || perMs > RATE_PER_MS_MAX) throw configError(`${path}.per`, '1 ms to 1 day', rate.per)
  return { limit, perMs, burst: wholeNumber(rate.burst ?? limit, 1, RATE_TOKENS_MAX, `${path}.burst`) }
}

function tenantsOf(tenants: QueueOptions['tenants'], path: string): ReadonlyMap<string, number> | null {
  if (tenants === undefined) return null
  rejectUnknown(tenants, ['weights'], `${path}.`)
  const weights = Object.entries(tenants.weights ?? {})
  for (const [name, weight] of weights) {
    if (typeof weight !== 'number' || !(weight > 0 && weight <= 1_000))
      throw configError(`${path}.weights.${name}`, 'a number above 0, at most 1000', weight)
  }
  return new Map(weights)
}

function admissionOf(admission: QueueOptions['admission'], path: string): ResolvedAdmission | null {
  if (admission === undefined) return null
  rejectUnknown(admission, ['maxDepth', 'maxBytes', 'maxAge', 'perTenant'], `${path}.`)
  const { maxDepth, maxBytes, maxAge } = admission
  return {
    maxDepth: maxDepth === undefined ? null : wholeNumber(maxDepth, 1, 1_000_000_000_000, `${path}.maxDepth`),
    maxBytes: maxBytes === undefined ? null : sizeBytes(maxBytes, `${path}.maxBytes`),
    maxAgeMs: maxAge === undefined ? null : durationMs(maxAge, `${path}.maxAge`),
    perTenant: rateOf(admission.perTenant, `${path}.perTenant`),
  }
}
