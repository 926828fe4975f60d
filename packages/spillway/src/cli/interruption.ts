// Ctrl-C and SIGTERM. The first asks: the command ends what it has begun and leaves. The second one does not ask.

import { EXIT } from './exit-codes.js'

export interface Interruption {
  /** Aborts at the first signal. */
  readonly signal: AbortSignal
  /** The signal that came, or null. */
  readonly by: 'SIGINT' | 'SIGTERM' | null
}

export function listenForInterruption(): Interruption {
  const controller = new AbortController()
  let by: Interruption['by'] = null
  const onSignal = (name: NodeJS.Signals): void => {
    if (by !== null) process.exit(EXIT.interrupted)
    by = name === 'SIGTERM' ? 'SIGTERM' : 'SIGINT'
    controller.abort()
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  return {
    signal: controller.signal,
    get by() {
      return by
    },
  }
}

/** Thrown where a command cannot go on because it was interrupted. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'

  constructor() {
    super('Interrupted.')
  }
}
