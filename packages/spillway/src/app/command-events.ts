// Tells whoever listens in this process what became of commands, once the store has confirmed it. Without listeners nothing is
// put together; a slow reader loses the oldest events and is told how many, because it must not hold up the worker.

import { COMMAND_STATES, type CommandState, RESERVED_PREFIX } from '../domain/index.js'
import { SpillwayError } from '../errors/index.js'
import type { SettledEvent, SettledListener, Telemetry } from '../ports/index.js'
import type { CommandEventRecord, EventsOptions } from './api.js'
import { EventBuffer } from './event-buffer.js'

/** Events that a slow reader may have waiting unless it says otherwise. */
const BUFFER_DEFAULT = 10_000
const BUFFER_MAX = 1_000_000

type Listener = (event: SettledEvent) => void

export class CommandEvents implements SettledListener {
  readonly #telemetry: Telemetry
  readonly #listeners = new Map<CommandState, Set<Listener>>()
  readonly #buffers = new Set<EventBuffer>()
  #closed = false

  constructor(telemetry: Telemetry) {
    this.#telemetry = telemetry
  }

  listening(): boolean {
    return this.#listeners.size > 0 || this.#buffers.size > 0
  }

  settled(events: readonly SettledEvent[]): void {
    for (const event of events) {
      const listeners = isOwn(event) ? undefined : this.#listeners.get(event.state)
      for (const listener of listeners ?? []) this.#tell(listener, event)
      for (const buffer of this.#buffers) buffer.push(event)
    }
  }

  on(state: CommandState, listener: Listener): () => void {
    if (!COMMAND_STATES.includes(state))
      throw new SpillwayError('invalid_argument', `on: expected one of ${COMMAND_STATES.join(', ')}.`)
    if (typeof listener !== 'function')
      throw new SpillwayError('invalid_argument', 'on: give a function that takes the event.')
    // Wrapped, so that the same function may listen twice and stop once.
    const own: Listener = (event) => listener(event)
    const listeners = this.#listeners.get(state) ?? new Set()
    listeners.add(own)
    this.#listeners.set(state, listeners)
    return () => {
      listeners.delete(own)
      if (listeners.size === 0 && this.#listeners.get(state) === listeners) this.#listeners.delete(state)
    }
  }

  /** Listens from the call on, not only from the first read. */
  events({
    types,
    states,
    signal,
    buffer = BUFFER_DEFAULT,
  }: EventsOptions = {}): AsyncIterable<CommandEventRecord> {
    if (!Number.isSafeInteger(buffer) || buffer < 1 || buffer > BUFFER_MAX)
      throw new SpillwayError(
        'invalid_argument',
        `events: buffer must be a whole number from 1 to ${BUFFER_MAX}.`,
      )
    const wanted = filterOf(types, states)
    const events = new EventBuffer(buffer, wanted, () => this.#buffers.delete(events))
    if (this.#closed || signal?.aborted === true) events.end()
    else {
      this.#buffers.add(events)
      signal?.addEventListener('abort', () => events.end(), { once: true })
    }
    return events
  }

  close(): void {
    this.#closed = true
    for (const buffer of [...this.#buffers]) buffer.end()
    this.#listeners.clear()
  }

  #tell(listener: Listener, event: SettledEvent): void {
    try {
      listener(event)
    } catch (error) {
      this.#telemetry.record({ event: 'fault', where: `listener for ${event.state} commands`, error })
    }
  }
}

function filterOf(
  types: readonly string[] | undefined,
  states: readonly CommandState[] | undefined,
): (event: SettledEvent) => boolean {
  const wantedTypes = types === undefined ? null : new Set(types)
  const wantedStates = states === undefined ? null : new Set(states)
  return (event) => {
    const isWanted = wantedTypes === null ? !isOwn(event) : wantedTypes.has(event.type)
    return isWanted && wantedStates?.has(event.state) !== false
  }
}

/** Of Spillway's own commands, which nobody submitted: only who names their type hears of them. */
function isOwn({ type }: SettledEvent): boolean {
  return type.startsWith(RESERVED_PREFIX)
}
