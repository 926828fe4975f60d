// Names on the server. The default exchange takes a queue's name as routing key as it is: no letter in it means anything there.

/** Not a letter of any queue of Spillway, so that no queue is called like the refused messages of another. */
const REFUSED_SUFFIX = ':refused'

export interface Names {
  queue(queue: string): string
  /** Where refused messages of the queue are kept, and what the server itself gives up on. */
  refused(queue: string): string
}

export function namesOf(prefix: string): Names {
  return {
    queue: (queue) => `${prefix}${queue}`,
    refused: (queue) => `${prefix}${queue}${REFUSED_SUFFIX}`,
  }
}
