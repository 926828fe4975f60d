// The clock of a memory store that was given none. Stores may not import the runtime, so this is the one place here
// that reads the machine's time; tests and simulations pass a clock of their own.

import type { Clock } from '../../ports/index.js'

export const machineClock: Pick<Clock, 'now'> = { now: () => Date.now() }
