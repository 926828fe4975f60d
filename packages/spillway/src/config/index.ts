export type {
  BreakerOptions,
  CompensationOptions,
  ErrorMatcher,
  RetryOptions,
  TriesOptions,
} from './bad-days.js'
export {
  CALLBACK_STATES,
  type CallbackOptions,
  type CallbackState,
  type ResolvedCallbacks,
} from './callbacks.js'
export {
  type BrokerChannelOptions,
  type BrokerSpec,
  type BufferOptions,
  type BufferSpec,
  brokerChannel,
  buffer,
  type ChannelSpec,
  direct,
  type GatherOptions,
  type GatherSpec,
  type JournalChannelOptions,
  type JournalSpec,
  journal,
  type PoolOptions,
  type PoolSpec,
  pool,
  type StoreSpec,
  store,
  type WhenFull,
} from './channels.js'
export {
  type AnyCommand,
  type CommandDefinition,
  type CommandOptions,
  defineAnyCommand,
  defineCommand,
  isUsableKey,
} from './command.js'
export {
  defineConfig,
  type ResolvedConfig,
  resolveConfig,
  type SpillwayConfig,
} from './config.js'
export { configError, type Duration, durationMs, type Size, sizeBytes } from './duration.js'
export {
  type BatchContext,
  type BatchReturn,
  type CommandContext,
  type Failure,
  type HandlerContext,
  type HandlerReturn,
  type PollReturn,
  pending,
  type ReconcileReturn,
  type Reconciler,
  type Sink,
} from './handler.js'
export {
  type ResolvedAdmission,
  type ResolvedQueue,
  type ResolvedRate,
  resolveQueues,
} from './queue.js'
export { brokerOf } from './queue-fit.js'
export type { QueueOptions, RateOptions } from './queue-options.js'
export { invalidPayload, validatePayload } from './validate-payload.js'
