// Which folders an agent ships: those that journals of the configuration name, or those it is told.

import { resolve } from 'node:path'
import type { ResolvedQueue } from '../config/index.js'
import { SpillwayError } from '../errors/index.js'

/** Absolute, each once. */
export function spoolsOf(queues: Iterable<ResolvedQueue>, told: readonly string[] = []): readonly string[] {
  const named = [...queues].flatMap(({ channel }) => (channel.kind === 'journal' ? [channel.folder] : []))
  const folders = told.length > 0 ? told : named
  if (folders.length === 0) {
    throw new SpillwayError(
      'invalid_config',
      "There is nothing to ship: no queue of the configuration has a journal. Give one channel: journal('./spool'), or name the folder with --spool.",
      { details: { expected: "a queue with channel: journal('./spool')" } },
    )
  }
  return [...new Set(folders.map((folder) => resolve(folder)))]
}
