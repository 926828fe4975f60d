// Takes a claimed lease into this worker's hands, and says in telemetry what ended there without being executed.

import type { Clock, Telemetry } from '../ports/index.js'
import { HeldChunk, type HeldChunkInit } from './held-chunk.js'
import { openLease } from './open-lease.js'
import { Tally } from './tally.js'

export function holdLease(
  { clock, telemetry }: { readonly clock: Pick<Clock, 'now'>; readonly telemetry: Telemetry },
  init: Omit<HeldChunkInit, 'commands' | 'pace'>,
): HeldChunk {
  const { commands, dead, pace } = openLease(init.lease, init.definition)
  const chunk = new HeldChunk({ ...init, commands, pace })
  if (dead.length === 0) return chunk
  const tally = new Tally(init.definition, clock.now())
  for (const { command, update } of dead) {
    chunk.progress.update(update)
    tally.settled(command, update)
  }
  tally.record(telemetry)
  return chunk
}
