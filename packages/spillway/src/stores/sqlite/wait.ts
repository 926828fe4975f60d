// The one timer of this store: the pause before a locked database is tried again. A store that is given a clock uses that
// instead; stores may not import the runtime's.

import type { Clock } from '../../ports/index.js'

export type Wait = Pick<Clock, 'monotonic' | 'sleep'>

export const machineWait: Wait = {
  monotonic: () => performance.now(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
}
