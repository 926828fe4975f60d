export { Intake } from './intake.js'
export type { CommandLike, IntakeOptions, SubmitVerdict } from './reception.js'
export { ATOMIC_COMMANDS_MAX, type ManyOptions } from './submit-many.js'
export type { SubmitOptions } from './submit-options.js'
export {
  type PayloadSource,
  STREAM_ERRORS_MAX,
  STREAM_IN_FLIGHT_MAX,
  type StreamOptions,
  type StreamReport,
} from './submit-stream.js'
