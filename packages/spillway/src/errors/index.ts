export { causesOf } from './causes.js'
export {
  certificateFault,
  certificateWords,
  handshakeWords,
  isCertificateError,
} from './certificates.js'
export { ERROR_CODES, type ErrorCategory, type ErrorCode } from './codes.js'
export { errorCode } from './error-code.js'
export { isSpillwayError, isUnknownOutcome, SpillwayError } from './spillway-error.js'
