export { withBallast } from './ballast.js'
export type { Damage } from './damage.js'
export type { Frame, Position } from './frame.js'
export {
  inspectJournal,
  type JournalReport,
  listQuarantined,
  type QuarantinedSegment,
  type WriterReport,
} from './inspect.js'
export { Journal, type JournalOptions, type JournalState } from './journal.js'
export { FRAME_BYTES_MAX } from './limits.js'
export { nodeFiles } from './node-files.js'
export { nodeProcesses } from './node-processes.js'
export { watchFolder } from './node-watch.js'
export { salvageJournal } from './salvage.js'
export {
  lockHolder,
  lockSpool,
  type SpoolLock,
  type SpoolLockOptions,
  type SpoolLockVerdict,
} from './spool-lock.js'
export { WriterTail } from './tail.js'
export { type VerifyOptions, type VerifyWriterReport, verifyJournal } from './verify.js'
export { listWriters, type WriterFolder } from './writers.js'
