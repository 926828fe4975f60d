// Keys on the server. Those of one queue share the part in braces, so that a cluster keeps them together.

/** Of all processes that read a queue. */
export const GROUP = 'spillway'
/** Who has what was given back, until somebody takes it. */
export const NOBODY = 'released'

export interface QueueKeys {
  readonly messages: string
  readonly refused: string
  readonly turn: string
}

export function keysOf(prefix: string, queue: string): QueueKeys {
  const messages = `${prefix}:{${encodeURIComponent(queue.toWellFormed())}}`
  return { messages, refused: `${messages}:refused`, turn: `${messages}:turn` }
}
