// Commands that no Spillway submitted: single messages of others that come by a broker. They are prepared as a submit is, with everything
// that can be wrong about them found before they are stored.

import type { ResolvedConfig } from '../config/index.js'
import { SpillwayError } from '../errors/index.js'
import { prepare } from '../intake/index.js'
import type { Clock, NewChunkId } from '../ports/index.js'
import type { ForeignCommands } from '../worker/index.js'

export interface ForeignCommandsOptions {
  readonly config: Pick<ResolvedConfig, 'commands' | 'queues'>
  readonly clock: Pick<Clock, 'now'>
  readonly newChunkId: NewChunkId
}

export function foreignCommands({ config, clock, newChunkId }: ForeignCommandsOptions): ForeignCommands {
  const now = (): number => clock.now()
  return {
    newChunkId,
    prepare(type, payload, options) {
      const definition = config.commands.get(type)
      if (definition === undefined)
        throw new SpillwayError('unknown_command', 'No command type of that name is defined.', {
          details: { type },
        })
      const partitions = config.queues.get(definition.queue)?.partitions ?? null
      return prepare({ definition, partitions, now }, payload, options)
    },
  }
}
