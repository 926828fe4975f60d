export type {
  CommandOf,
  CommandPage,
  Health,
  HealthCheck,
  ManyOptions,
  OutcomeOptions,
  QueueView,
  Role,
  Spillway,
  StreamOptions,
  StreamReport,
  SubmitOptions,
  SubmitVerdict,
} from './app/api.js'
export { type CreateOptions, createSpillway } from './app/create-spillway.js'
export { migrate } from './app/migrate.js'
export { VERSION } from './app/version.js'
export {
  type AnyCommand,
  type BatchContext,
  type BatchReturn,
  type BufferOptions,
  buffer,
  type ChannelSpec,
  type CommandDefinition,
  type CommandOptions,
  type Duration,
  defineCommand,
  defineConfig,
  direct,
  type HandlerContext,
  type HandlerReturn,
  type PoolOptions,
  pool,
  type QueueOptions,
  type RetryOptions,
  type Sink,
  type Size,
  type SpillwayConfig,
  store,
  type WhenFull,
} from './config/index.js'
export {
  type CommandState,
  type Durability,
  type ErrorRecord,
  type FaultKind,
  failed,
  type HandlerOutcome,
  ok,
  type Receipt,
  retry,
} from './domain/index.js'
export { ERROR_CODES, type ErrorCategory, type ErrorCode, isSpillwayError, SpillwayError } from './errors/index.js'
export type {
  Accounting,
  CommandView,
  ControlVerdict,
  ListRequest,
  QueueCounts,
  SchemaState,
  Store,
  Telemetry,
  TelemetryEvent,
} from './ports/index.js'
export { type IntoOptions, into } from './sinks/index.js'
