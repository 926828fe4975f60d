// The refusals of channels, worded once.

import { SpillwayError } from '../errors/index.js'
import type { OfferVerdict } from '../ports/index.js'

export function rejected(error: SpillwayError): OfferVerdict {
  return { status: 'rejected', error }
}

export function queueFull(queue: string): OfferVerdict {
  return rejected(
    new SpillwayError(
      'queue_full',
      `Queue ${queue} holds as much as it may; try again later, or raise the bounds of its channel.`,
      { details: { queue } },
    ),
  )
}

export function closed(queue: string): OfferVerdict {
  return rejected(
    new SpillwayError(
      'closed',
      `Queue ${queue} is closing and takes nothing more; submit to another process.`,
      { details: { queue } },
    ),
  )
}

/** `id`: the first command's, where it has one already. */
export function conflict(type: string, id: string | null): OfferVerdict {
  return rejected(
    new SpillwayError(
      'idempotency_conflict',
      `The idempotency key was used before for ${type} with another payload; use a new key, or send the same payload.`,
      { details: id === null ? {} : { id } },
    ),
  )
}

/** For commands that are fine themselves, of an atomic submit in which another was refused. */
export function atomicRefused(index: number): OfferVerdict {
  return rejected(
    new SpillwayError('invalid_argument', `Not stored: command ${index} of this atomic submit was refused.`, {
      details: { atomic: true, index },
    }),
  )
}
