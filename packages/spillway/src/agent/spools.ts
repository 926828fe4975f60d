// Which folders an agent ships: those that journals of the configuration name, or those it is told.

import { resolve } from 'node:path'
import type { ResolvedQueue } from '../config/index.js'
import { SpillwayError } from '../errors/index.js'

/** Absolute, each once. */
export function spoolsOf(queues: Iterable<ResolvedQueue>, told: readonly string[] = []): readonly string[] {
  if (told.length > 0) return eachOnce(told)
  const named = namedSpools(queues)
  if (named.length > 0) return named
  throw new SpillwayError(
    'invalid_config',
    "There is nothing to ship: no queue of the configuration has a journal. Give one channel: journal('./spool'), or name the folder with --spool.",
    { details: { expected: "a queue with channel: journal('./spool')" } },
  )
}

/** Those that journals of the configuration name; none where there is no journal. */
export function namedSpools(queues: Iterable<ResolvedQueue>): readonly string[] {
  return eachOnce([...queues].flatMap(({ channel }) => (channel.kind === 'journal' ? [channel.folder] : [])))
}

function eachOnce(folders: readonly string[]): readonly string[] {
  return [...new Set(folders.map((folder) => resolve(folder)))]
}
