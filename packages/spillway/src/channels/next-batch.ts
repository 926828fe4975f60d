// What one execution takes from a line of waiting commands: as many of the first one's type as its handler takes at
// once, and one at a time for handlers of one.

import type { AnyCommand } from '../config/index.js'
import type { Fifo } from './fifo.js'
import type { HeldCommand } from './held-command.js'

/** The oldest and those of its type right behind it, removed; at most `commandsMax`. Empty when nothing waits. */
export function takeNextBatch(
  waiting: Fifo<HeldCommand>,
  definitions: ReadonlyMap<string, AnyCommand>,
  commandsMax: number,
): HeldCommand[] {
  const first = waiting.peek()
  if (first === undefined) return []
  const size = Math.min(commandsMax, batchSize(definitions.get(first.type)))
  const batch: HeldCommand[] = []
  while (batch.length < size && waiting.peek()?.type === first.type)
    batch.push(waiting.shift() as HeldCommand)
  return batch
}

function batchSize(definition: AnyCommand | undefined): number {
  const kind = definition?.handler.kind
  return definition !== undefined && (kind === 'batch' || kind === 'sink') ? definition.batch.maxSize : 1
}
