// Whether who wrote a mark is still there: the process itself where it can be seen, else by how long the mark was not touched. Being wrong
// costs a living writer a new folder, and nothing else: see fencing in tail.ts.

import type { Clock, Files, Processes, ProcessMark } from '../ports/index.js'
import { SILENCE_MS } from './limits.js'

export interface LivenessContext {
  readonly files: Files
  readonly processes: Processes
  readonly clock: Pick<Clock, 'now'>
}

export async function isDead(
  { files, processes, clock }: LivenessContext,
  mark: ProcessMark | null,
  /** What its process touches, most telling first; what does not exist tells nothing. */
  touched: readonly string[],
): Promise<boolean> {
  const state = mark === null ? 'unknown' : await processes.state(mark)
  if (state !== 'unknown') return state === 'dead'
  for (const path of touched) {
    const info = await files.info(path)
    if (info !== null) return Math.abs(clock.now() - info.modifiedAt) > SILENCE_MS
  }
  return false
}
