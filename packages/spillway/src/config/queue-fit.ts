// What fits together: a queue's channel, its shaping, and what its commands need of both. Whatever could not work is refused before
// anything starts.

import { resolve } from 'node:path'
import type { Broker } from '../ports/index.js'
import type { ChannelSpec, JournalSpec } from './channels.js'
import type { AnyCommand } from './command.js'
import { configError } from './duration.js'
import type { QueueOptions } from './queue-options.js'

export function checkFit(
  command: AnyCommand,
  channel: ChannelSpec,
  partitions: number | null,
  path: string,
): void {
  const threads = channel.kind === 'pool' ? channel.threads : null
  if (threads !== null && command.handler.kind !== 'none')
    throw configError(
      `${path}.channel.threads`,
      `no handler on command ${command.name}, because the module has it`,
      'both',
    )
  if (command.settlement === 'transaction' && command.handler.kind !== 'sink' && !isLeased(channel)) {
    throw configError(
      `command ${command.name}: settlement`,
      `'batched' on the ${channel.kind} channel of queue ${command.queue} (there is no lease to settle)`,
      'transaction',
    )
  }
  if (partitions !== null) checkOrder(channel, path)
  if (command.orderingKey !== null && partitions === null)
    throw configError(`${path}.ordered`, `{} because command ${command.name} has an orderingKey`, undefined)
  if (partitions !== null && command.orderingKey === null)
    throw configError(
      `command ${command.name}: orderingKey`,
      `a function, because queue ${command.queue} is ordered`,
      undefined,
    )
}

/** Whether its commands come to a worker through the store, which leases them. */
function isLeased({ kind }: ChannelSpec): boolean {
  return kind === 'store' || kind === 'broker' || kind === 'journal'
}

/** The store keeps the order in which it was given chunks; what brings them must have kept it until then. */
function checkOrder(channel: ChannelSpec, path: string): void {
  if (!isLeased(channel))
    throw configError(`${path}.ordered`, "the 'store' channel, a broker's or journal(...)", channel.kind)
  const broker = brokerOf(channel)
  if (broker !== null && !broker.capabilities.ordered)
    throw configError(`${path}.ordered`, "the 'store' channel or a broker that keeps the order", broker.name)
}

/** The broker that a queue's commands come by, or null. */
export function brokerOf(channel: ChannelSpec): Broker | null {
  if (channel.kind === 'broker') return channel.broker
  return channel.kind === 'journal' && channel.to !== 'store' ? channel.to : null
}

/** What is shaped at the claim needs a channel that is claimed from, and the key that it goes by. */
export function checkShaping(
  command: AnyCommand,
  options: QueueOptions,
  channel: ChannelSpec,
  path: string,
): void {
  if (!isLeased(channel)) checkUnshaped(command, options, channel, path)
  checkLoad(options, channel, path)
  const needs = [
    [options.keyRateLimit, command.rateKey, 'keyRateLimit', 'rateKey'],
    [options.tenants ?? options.admission?.perTenant, command.tenantKey, 'tenants', 'tenantKey'],
  ] as const
  for (const [option, key, optionName, keyName] of needs) {
    if (option !== undefined && key === null)
      throw configError(
        `command ${command.name}: ${keyName}`,
        `a function, because of ${path}.${optionName}`,
        undefined,
      )
    if (option === undefined && key !== null)
      throw configError(
        `${path}.${optionName}`,
        `an option, because command ${command.name} has a ${keyName}`,
        undefined,
      )
  }
}

/** A channel that executes by itself has no claims that could be held back. */
function checkUnshaped(command: AnyCommand, options: QueueOptions, channel: ChannelSpec, path: string): void {
  const shaped = (['rateLimit', 'keyRateLimit', 'tenants', 'admission'] as const).find(
    (name) => options[name] !== undefined,
  )
  const leased = "the 'store' channel, a broker's or journal(...)"
  if (shaped !== undefined) throw configError(`${path}.${shaped}`, leased, channel.kind)
  if (typeof options.concurrency === 'object')
    throw configError(`${path}.concurrency`, `a number on the ${channel.kind} channel`, options.concurrency)
  if (command.breaker !== null)
    throw configError(
      `command ${command.name}: breaker`,
      `none on the ${channel.kind} channel of queue ${command.queue}`,
      'a breaker',
    )
}

/** How much waits is counted in the store, and what is still on its way is not there. */
function checkLoad({ admission = {} }: QueueOptions, channel: ChannelSpec, path: string): void {
  if (channel.kind !== 'broker' && channel.kind !== 'journal') return
  const limit = (['maxDepth', 'maxBytes', 'maxAge'] as const).find((name) => admission[name] !== undefined)
  if (limit === undefined) return
  const instead =
    channel.kind === 'journal'
      ? 'bound what waits by journal(folder, { maxBytes })'
      : 'bound what waits by a limit of the queue on the broker'
  throw configError(
    `${path}.admission.${limit}`,
    `the 'store' channel, because the store does not see what is on its way; ${instead}`,
    admission[limit],
  )
}

/** Queues that share a spool folder share its journal: what is said of it must be the same. */
export function checkSpools(
  queues: Iterable<{ readonly name: string; readonly channel: ChannelSpec }>,
): void {
  const seen = new Map<string, { readonly name: string; readonly spec: JournalSpec }>()
  for (const { name, channel } of queues) {
    if (channel.kind !== 'journal') continue
    const folder = resolve(channel.folder)
    const { name: first, spec } = seen.get(folder) ?? { name, spec: channel }
    seen.set(folder, { name: first, spec })
    for (const [option, key] of SPOOL_OPTIONS) {
      if (channel[key] !== spec[key])
        throw configError(
          `queues.${name}.channel.${option}`,
          `${spec[key]} as of queue ${first}, which shares its journal, or a folder of its own`,
          channel[key],
        )
    }
  }
}

const SPOOL_OPTIONS = [
  ['level', 'level'],
  ['maxBytes', 'maxJournalBytes'],
  ['minFreeBytes', 'minFreeBytes'],
] as const
