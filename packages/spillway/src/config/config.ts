// The whole configuration: one value from which a Spillway is composed. `defineConfig` is for types and early mistakes;
// `resolveConfig` fills in every default.

import { CHUNK_COMMANDS_MAX, PARTITIONS_DEFAULT } from '../domain/index.js'
import type { Store, Telemetry } from '../ports/index.js'
import { type ChannelSpec, direct, store as storeChannel } from './channels.js'
import { type AnyCommand, checkName } from './command.js'
import { configError, type Duration, durationMs } from './duration.js'

export interface QueueOptions {
  /** How commands travel. Default 'store'. */
  channel?: 'store' | 'direct' | ChannelSpec
  /** Handler calls at once in one worker process. Default 8 (1 for queues whose commands settle in a synchronous transaction is enough). */
  concurrency?: number
  /** Commands with an ordering key run one after the other per partition. */
  ordered?: { partitions?: number }
  /** How long a worker may hold a chunk without a heartbeat. Default 30 s. */
  lease?: Duration
}

export interface SpillwayConfig {
  store: Store
  commands: readonly AnyCommand[]
  queues?: Record<string, QueueOptions>
  worker?: {
    /** How often an idle worker looks for work that no wake-up announced. Default 100 ms. */
    poll?: Duration
    /** How long close() waits for running handlers before it gives their chunks back. Default 10 s. */
    closeTimeout?: Duration
    /** Name of this process in leases. Default: host and process id. */
    id?: string
  }
  maintenance?: {
    /** How often due parked commands are promoted. Default 200 ms. */
    promoteEvery?: Duration
    /** How often what outlived its retention is removed. Default 30 s. */
    pruneEvery?: Duration
    /** How long finished commands are kept. Default 24 h. */
    retention?: Duration
    /** How long failed, dead and cancelled ones are. Default 30 d. */
    failedRetention?: Duration
  }
  http?: {
    /** Default 127.0.0.1. Elsewhere a token is required. */
    host?: string
    /** Default 7077. */
    port?: number
    /** Bearer token. */
    token?: string
    /** Bytes of one request body (not NDJSON streams). Default 8 MiB. */
    bodyLimit?: number
  }
  /** Further sinks for events and measures, beside metrics and logs. */
  telemetry?: readonly Telemetry[]
}

export interface ResolvedQueue {
  readonly name: string
  readonly channel: ChannelSpec
  readonly concurrency: number
  /** Partitions of an ordered queue, else null. */
  readonly partitions: number | null
  readonly leaseMs: number
  /** Commands per chunk at most. */
  readonly chunkCommandsMax: number
  readonly commands: readonly AnyCommand[]
}

export interface ResolvedConfig {
  readonly store: Store
  readonly commands: ReadonlyMap<string, AnyCommand>
  readonly queues: ReadonlyMap<string, ResolvedQueue>
  readonly worker: { readonly pollMs: number; readonly closeTimeoutMs: number; readonly id: string | null }
  readonly maintenance: {
    readonly promoteEveryMs: number
    readonly pruneEveryMs: number
    readonly retentionMs: number
    readonly failedRetentionMs: number
  }
  readonly http: {
    readonly host: string
    readonly port: number
    readonly token: string | null
    readonly bodyLimit: number
  }
  readonly telemetry: readonly Telemetry[]
}

/** Checks the configuration and returns it as it is. */
export function defineConfig<const Config extends SpillwayConfig>(config: Config): Config {
  resolveConfig(config)
  return config
}

export function resolveConfig(config: SpillwayConfig): ResolvedConfig {
  if (typeof config !== 'object' || config === null)
    throw configError('config', 'an object from defineConfig()', config)
  rejectUnknown(config, ['store', 'commands', 'queues', 'worker', 'maintenance', 'http', 'telemetry'], '')
  if (typeof config.store?.append !== 'function')
    throw configError('store', 'a store: postgres(url), mysql(url), sqlite(path) or memory()', config.store)
  if (!Array.isArray(config.commands))
    throw configError('commands', 'a list of defineCommand(...)', config.commands)
  const commands = new Map<string, AnyCommand>()
  for (const [index, command] of config.commands.entries()) {
    if (typeof command?.name !== 'string' || command.handler === undefined)
      throw configError(`commands[${index}]`, 'a defineCommand(...)', command)
    if (commands.has(command.name))
      throw configError(`commands[${index}].name`, 'a name of its own', command.name)
    commands.set(command.name, command)
  }
  const { worker = {}, maintenance = {}, http = {} } = config
  rejectUnknown(worker, ['poll', 'closeTimeout', 'id'], 'worker.')
  rejectUnknown(maintenance, ['promoteEvery', 'pruneEvery', 'retention', 'failedRetention'], 'maintenance.')
  rejectUnknown(http, ['host', 'port', 'token', 'bodyLimit'], 'http.')
  return {
    store: config.store,
    commands,
    queues: resolveQueues(config.queues ?? {}, [...commands.values()]),
    worker: {
      pollMs: durationMs(worker.poll ?? 100, 'worker.poll'),
      closeTimeoutMs: durationMs(worker.closeTimeout ?? '10s', 'worker.closeTimeout'),
      id: worker.id ?? null,
    },
    maintenance: {
      promoteEveryMs: durationMs(maintenance.promoteEvery ?? 200, 'maintenance.promoteEvery'),
      pruneEveryMs: durationMs(maintenance.pruneEvery ?? '30s', 'maintenance.pruneEvery'),
      retentionMs: durationMs(maintenance.retention ?? '24h', 'maintenance.retention'),
      failedRetentionMs: durationMs(maintenance.failedRetention ?? '30d', 'maintenance.failedRetention'),
    },
    http: {
      host: http.host ?? '127.0.0.1',
      port: wholeNumber(http.port ?? 7077, 0, 65_535, 'http.port'),
      token: tokenOf(http.token),
      bodyLimit: wholeNumber(http.bodyLimit ?? 8 * 1024 * 1024, 1_024, 1024 ** 3, 'http.bodyLimit'),
    },
    telemetry: config.telemetry ?? [],
  }
}

function resolveQueues(
  options: Record<string, QueueOptions>,
  commands: readonly AnyCommand[],
): Map<string, ResolvedQueue> {
  const names = new Set(['default', ...commands.map((command) => command.queue), ...Object.keys(options)])
  const queues = new Map<string, ResolvedQueue>()
  for (const name of names) {
    checkName(name, `queues.${name}`)
    queues.set(
      name,
      resolveQueue(
        name,
        options[name] ?? {},
        commands.filter((command) => command.queue === name),
      ),
    )
  }
  return queues
}

function resolveQueue(name: string, options: QueueOptions, commands: readonly AnyCommand[]): ResolvedQueue {
  const path = `queues.${name}`
  rejectUnknown(options, ['channel', 'concurrency', 'ordered', 'lease'], `${path}.`)
  const concurrency = wholeNumber(options.concurrency ?? 8, 1, 10_000, `${path}.concurrency`)
  const partitions =
    options.ordered === undefined
      ? null
      : wholeNumber(options.ordered.partitions ?? PARTITIONS_DEFAULT, 1, 65_536, `${path}.ordered.partitions`)
  const channel = channelOf(options.channel ?? 'store', path)
  for (const command of commands) checkFit(command, channel, partitions, path)
  const onlySingles = commands.length > 0 && commands.every((command) => command.handler.kind === 'one')
  return {
    name,
    channel,
    concurrency,
    partitions,
    leaseMs: wholeNumber(
      durationMs(options.lease ?? '30s', `${path}.lease`),
      1_000,
      86_400_000,
      `${path}.lease`,
    ),
    // Slow one-at-a-time commands are spread over workers instead of queueing behind one lease.
    chunkCommandsMax: onlySingles ? Math.min(CHUNK_COMMANDS_MAX, concurrency * 4) : CHUNK_COMMANDS_MAX,
    commands,
  }
}

function checkFit(command: AnyCommand, channel: ChannelSpec, partitions: number | null, path: string): void {
  const threads = channel.kind === 'pool' ? channel.threads : null
  if (threads !== null && command.handler.kind !== 'none')
    throw configError(
      `${path}.channel.threads`,
      `no handler on command ${command.name}, because the module has it`,
      'both',
    )
  if (command.settlement === 'transaction' && command.handler.kind !== 'sink' && channel.kind !== 'store') {
    throw configError(
      `command ${command.name}: settlement`,
      `'batched' on the ${channel.kind} channel of queue ${command.queue} (there is no lease to settle)`,
      'transaction',
    )
  }
  if (partitions !== null && channel.kind !== 'store')
    throw configError(`${path}.ordered`, "the 'store' channel", channel.kind)
  if (command.orderingKey !== null && partitions === null)
    throw configError(`${path}.ordered`, `{} because command ${command.name} has an orderingKey`, undefined)
  if (partitions !== null && command.orderingKey === null)
    throw configError(
      `command ${command.name}: orderingKey`,
      `a function, because queue ${command.queue} is ordered`,
      undefined,
    )
}

function channelOf(channel: 'store' | 'direct' | ChannelSpec, path: string): ChannelSpec {
  if (channel === 'store') return storeChannel()
  if (channel === 'direct') return direct()
  if (
    typeof channel === 'object' &&
    channel !== null &&
    ['store', 'direct', 'pool', 'buffer'].includes(channel.kind)
  )
    return channel
  throw configError(`${path}.channel`, "'store', 'direct', store(...), pool(...) or buffer(...)", channel)
}

function tokenOf(token: string | undefined): string | null {
  if (token === undefined) return null
  if (typeof token !== 'string' || token.length < 16)
    throw configError(
      'http.token',
      'a text of at least 16 characters',
      typeof token === 'string' ? `${token.length} characters` : typeof token,
    )
  return token
}

function wholeNumber(value: unknown, min: number, max: number, path: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min || value > max)
    throw configError(path, `a whole number from ${min} to ${max}`, value)
  return value
}

function rejectUnknown(value: object, known: readonly string[], prefix: string): void {
  for (const key of Object.keys(value)) {
    if (!known.includes(key))
      throw configError(`${prefix}${key}`, `one of ${known.join(', ')}`, `unknown option`)
  }
}
