// A mistake in how the command line was used: exit code 2.

import { SpillwayError } from '../errors/index.js'

/** The message says what to do instead. */
export function usageError(message: string): SpillwayError {
  return new SpillwayError('invalid_argument', message)
}
