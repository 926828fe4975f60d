export type {
  CommandOf,
  CommandPage,
  EachOptions,
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
export { VERSION } from './version.js'
