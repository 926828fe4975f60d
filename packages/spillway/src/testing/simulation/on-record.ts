// Puts on record that a function of a command's type was entered and what it came to, for the types whose bad days the checker judges.

import type { Stage } from '../../domain/index.js'
import type { Reply } from '../checker/index.js'
import type { Recording } from './recording.js'

export interface CallOnRecord {
  readonly call: number
  readonly stage: Stage
}

/** `replies`: what a value that was returned says about each command. A throw says the same about all of them. */
export async function onRecord<T>(
  recording: Recording,
  stage: Stage,
  ids: readonly string[],
  run: (call: CallOnRecord) => Promise<T>,
  replies: (returned: T) => readonly Reply[],
): Promise<T> {
  const call = recording.serial()
  for (const id of ids) recording.add({ kind: 'called', call, id, stage })
  const reply = (said: (at: number) => Reply): void => {
    for (const [at, id] of ids.entries()) recording.add({ kind: 'replied', call, id, stage, reply: said(at) })
  }
  try {
    const returned = await run({ call, stage })
    const said = replies(returned)
    reply((at) => said[at] ?? 'exception')
    return returned
  } catch (error) {
    const word = replyOf(error)
    reply(() => word)
    throw error
  }
}

/** An error of the data, or one that nothing will change, means that nothing happened. */
function replyOf(error: unknown): Reply {
  const isPermanent = error instanceof Error && 'fault' in error && error.fault === 'permanent'
  return isPermanent || error instanceof RangeError ? 'permanent' : 'exception'
}
