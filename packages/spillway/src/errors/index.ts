export { ERROR_CODES, type ErrorCategory, type ErrorCode, type ErrorEntry } from './codes.js'
export { isSpillwayError, SpillwayError, type SpillwayErrorOptions } from './spillway-error.js'
