// One command of a chunk at a time: because the chunk crashed its workers, when the store is told before each which one it is,
// so that the next crash names the culprit; or because a transaction of many of them could not be committed.

import type { Parts } from './assembler.js'
import type { HeldChunk } from './held-chunk.js'
import type { LeaseKeeper } from './lease-keeper.js'

export interface AloneContext {
  readonly keeper: Pick<LeaseKeeper, 'mark'>
  readonly isClosing: () => boolean
  /** Resolves when the handler call is over, one way or the other. */
  readonly run: (parts: Parts) => Promise<void>
}

export async function runAlone(chunk: HeldChunk, { keeper, isClosing, run }: AloneContext): Promise<void> {
  const isOpen = (): boolean => !chunk.ended && chunk.leaving === null && !chunk.returning
  while (isOpen() && chunk.waiting > 0 && !isClosing()) {
    const commands = chunk.take(1)
    const [command] = commands
    if (command === undefined) return
    if (chunk.pace === 'guarded' && !(await keeper.mark(chunk, command.index))) return
    if (isClosing()) chunk.putBack(1)
    else await run([{ chunk, commands }])
  }
}
