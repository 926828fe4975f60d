export type { Backlog } from './backlog.js'
export { withBallast } from './ballast.js'
export type { Damage, DamageKind } from './damage.js'
export type { Frame, NewFrame, Position } from './frame.js'
export {
  type InspectOptions,
  inspectJournal,
  type JournalReport,
  listQuarantined,
  type QuarantinedSegment,
  type SegmentReport,
  type WriterReport,
} from './inspect.js'
export { Journal, type JournalOptions, type JournalState } from './journal.js'
export { FRAME_BYTES_MAX } from './limits.js'
export { nodeFiles } from './node-files.js'
export { nodeProcesses } from './node-processes.js'
export { watchFolder } from './node-watch.js'
export { type SalvageOptions, type SalvageReport, salvageJournal } from './salvage.js'
export { lockSpool, type SpoolLock, type SpoolLockOptions, type SpoolLockVerdict } from './spool-lock.js'
export { type NextFrames, type TailOptions, WriterTail } from './tail.js'
export { type VerifyOptions, type VerifyReport, type VerifyWriterReport, verifyJournal } from './verify.js'
export { listWriters, type WriterFolder } from './writers.js'
