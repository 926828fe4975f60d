export { ERROR_CODES, type ErrorCategory, type ErrorCode } from './codes.js'
export { isSpillwayError, SpillwayError } from './spillway-error.js'
