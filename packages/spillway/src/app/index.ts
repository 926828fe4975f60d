export type {
  BrokerView,
  CommandEventRecord,
  CommandOf,
  EachOptions,
  EventsOptions,
  Health,
  HealthCheck,
  ManyOptions,
  NodeStatus,
  OutcomeOptions,
  QueueView,
  Role,
  Spillway,
  StreamOptions,
  StreamReport,
  SubmitOptions,
  SubmitVerdict,
} from './api.js'
export { type CreateOptions, createSpillway } from './create-spillway.js'
export { migrate } from './migrate.js'
export type {
  ActionOptions,
  Callbacks,
  CallbackView,
  CommandFilter,
  DeadLetters,
  GoneEndpoint,
  OperationAction,
  OperationRequest,
  OperationStarted,
  Operations,
  OperationView,
  RedriveRequestOptions,
} from './operator-api.js'
export type { AuditPage, CommandPage, Page } from './pages.js'
export { VERSION } from './version.js'
