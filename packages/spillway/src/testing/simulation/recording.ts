// The history while it is being made. Everything that is judged later goes through here, in the order it happens.

import type { Clock } from '../../ports/index.js'
import type { HistoryEvent } from '../checker/index.js'

/** Distributes over the union, so that each kind keeps its own fields. */
type WithoutTime<Event> = Event extends HistoryEvent ? Omit<Event, 'at'> : never

export class Recording {
  readonly events: HistoryEvent[] = []
  readonly #clock: Clock
  #serial = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Keeps the event itself, which must be its caller's to give away. */
  add(event: WithoutTime<HistoryEvent>): void {
    this.events.push(Object.assign(event, { at: this.#clock.now() }) as HistoryEvent)
  }

  incident(where: string, what: string): void {
    this.events.push({ kind: 'incident', at: this.#clock.now(), where, what })
  }

  /** Numbers for submits, executions and handler calls, unique within the history. */
  serial(): number {
    this.#serial += 1
    return this.#serial
  }
}
