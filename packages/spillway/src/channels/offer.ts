// What is made once per command and held until it is answered. These are classes because of the garbage collector: V8 watches how long the
// objects of a literal live, and one that was still waiting at the first few collections is made among the old objects from then on. There it
// stays after its end, and with it everything it refers to, until the whole heap is gone through: half of the memory of a submit instead
// of a fiftieth (docs/decisions/0027).

import type { Durability } from '../domain/index.js'
import type { Completion, PreparedCommand } from '../ports/index.js'

/** A command with the way to answer it. */
export class Offer {
  readonly command: PreparedCommand
  readonly done: Completion

  constructor(command: PreparedCommand, done: Completion) {
    this.command = command
    this.done = done
  }
}

/** The verdict of a command that is safe. */
export class Accepted {
  readonly status = 'accepted'
  readonly id: string
  readonly acceptedAt: number
  readonly durability: Durability

  constructor(id: string, acceptedAt: number, durability: Durability) {
    this.id = id
    this.acceptedAt = acceptedAt
    this.durability = durability
  }
}
