// The whole configuration: one value from which a Spillway is composed. `defineConfig` is for types and early mistakes;
// `resolveConfig` fills in every default.

import type { Store, Telemetry } from '../ports/index.js'
import { type CallbackOptions, type ResolvedCallbacks, resolveCallbacks } from './callbacks.js'
import type { AnyCommand } from './command.js'
import { configError, type Duration, durationMs } from './duration.js'
import { rejectUnknown } from './known-options.js'
import { wholeNumber } from './numbers.js'
import { type ResolvedQueue, resolveQueues } from './queue.js'
import type { QueueOptions } from './queue-options.js'

export interface SpillwayConfig {
  store: Store
  commands: readonly AnyCommand[]
  queues?: Record<string, QueueOptions>
  /** How upstream is told about the end of commands that have a `callback`. */
  callbacks?: CallbackOptions
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
    /** How long failed, dead, cancelled and compensated ones are. Default 30 d. */
    failedRetention?: Duration
    /** How long it is kept who did what to commands and queues. Default 365 d. */
    auditRetention?: Duration
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
    readonly auditRetentionMs: number
  }
  /** Null when nobody is told anything. */
  readonly callbacks: ResolvedCallbacks | null
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
  rejectUnknown(
    config,
    ['store', 'commands', 'queues', 'callbacks', 'worker', 'maintenance', 'http', 'telemetry'],
    '',
  )
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
  rejectUnknown(
    maintenance,
    ['promoteEvery', 'pruneEvery', 'retention', 'failedRetention', 'auditRetention'],
    'maintenance.',
  )
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
      auditRetentionMs: durationMs(maintenance.auditRetention ?? '365d', 'maintenance.auditRetention'),
    },
    callbacks: callbacksOf(config.callbacks, commands),
    http: {
      host: http.host ?? '127.0.0.1',
      port: wholeNumber(http.port ?? 7077, 0, 65_535, 'http.port'),
      token: tokenOf(http.token),
      bodyLimit: wholeNumber(http.bodyLimit ?? 8 * 1024 * 1024, 1_024, 1024 ** 3, 'http.bodyLimit'),
    },
    telemetry: config.telemetry ?? [],
  }
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

function callbacksOf(
  options: CallbackOptions | undefined,
  commands: ReadonlyMap<string, AnyCommand>,
): ResolvedCallbacks | null {
  if (options !== undefined) return resolveCallbacks(options)
  for (const { name, callback } of commands.values()) {
    if (callback !== null)
      throw configError('callbacks', `{ secrets: [...] } because command ${name} has a callback`, undefined)
  }
  return null
}
