export {
  type BufferOptions,
  type BufferSpec,
  buffer,
  type ChannelSpec,
  direct,
  type PoolOptions,
  type PoolSpec,
  pool,
  type StoreSpec,
  store,
  type WhenFull,
} from './channels.js'
export {
  type AnyCommand,
  type BatchContext,
  type BatchReturn,
  type CommandDefinition,
  type CommandOptions,
  defineCommand,
  type HandlerContext,
  type HandlerReturn,
  isUsableKey,
  type RetryOptions,
  type Sink,
} from './command.js'
export {
  defineConfig,
  type QueueOptions,
  type ResolvedConfig,
  type ResolvedQueue,
  resolveConfig,
  type SpillwayConfig,
} from './config.js'
export { configError, type Duration, durationMs, type Size, sizeBytes } from './duration.js'
