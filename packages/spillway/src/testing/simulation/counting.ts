// Counts what a history has seen. Everything is read off the history, so that a counter cannot claim what the checker
// was not shown.

import type {
  Appended,
  Claimed,
  Controlled,
  History,
  HistoryEvent,
  LeaseWritten,
  Promoted,
} from '../checker/index.js'
import { BadDayCount } from './counting-bad-days.js'
import { type Counters, newCounters, type Sometimes } from './sometimes.js'

const PROMOTES_CLOSE_MS = 20

export function countSometimes(history: History): Counters {
  const count = new Count(history)
  for (const event of history.events) count.see(event)
  count.close()
  return count.counters
}

type Readers = {
  readonly [Kind in HistoryEvent['kind']]?: (event: Extract<HistoryEvent, { kind: Kind }>) => void
}

class Count {
  readonly counters = newCounters()
  readonly #history: History
  readonly #appended = new Set<string>()
  readonly #settled = new Set<string>()
  readonly #effects = new Set<string>()
  readonly #callbacks = new Set<string>()
  readonly #calls = new Map<number, number>()
  readonly #asked = new Map<number, string>()
  readonly #leftOpen = new Set<string>()
  readonly #badDays = new BadDayCount((name) => this.#add(name))
  readonly #promotes: { at: number; worker: string }[] = []

  readonly #readers: Readers = {
    submitted: ({ op, type, payload }) => this.#submitted(op, `${type} ${payload}`),
    incident: ({ what }) => this.#incident(what),
    answered: ({ op, answer, code }) => this.#answered(op, answer, code),
    appended: (event) => this.#chunk(event),
    claimed: (event) => this.#claimed(event),
    written: (event) => this.#written(event),
    started: ({ call }) => this.#calls.set(call, (this.#calls.get(call) ?? 0) + 1),
    effect: ({ id }) => this.#effect(id),
    controlled: (event) => this.#controlled(event),
    promoted: (event) => this.#promoted(event),
    pruned: () => this.#add('pruned'),
    called: (event) => this.#badDays.called(event),
    replied: (event) => this.#badDays.replied(event),
    stepped: (event) => this.#badDays.stepped(event),
    completed: (event) => this.#badDays.completed(event),
    delivered: (event) => this.#badDays.delivered(event),
    paused: ({ paused }) => {
      if (paused) this.#add('queue paused')
    },
  }

  constructor(history: History) {
    this.#history = history
  }

  see(event: HistoryEvent): void {
    const read = this.#readers[event.kind] as ((event: HistoryEvent) => void) | undefined
    read?.(event)
  }

  close(): void {
    const { transactionEffects, sinkRows } = this.#history.final
    this.#add('transaction effect', transactionEffects.length)
    this.#add('sink row', sinkRows.length)
    for (const size of this.#calls.values()) if (size > 1) this.#add('batch with several commands')
  }

  #add(name: Sometimes, by = 1): void {
    this.counters[name] += by
  }

  #incident(what: string): void {
    const name = INCIDENTS.find(([start]) => what.startsWith(start))?.[1]
    if (name !== undefined) this.#add(name)
  }

  #submitted(op: number, text: string): void {
    this.#asked.set(op, text)
    if (this.#leftOpen.has(text)) this.#add('asked again after an unknown outcome')
  }

  #answered(op: number, answer: string, code: string | null): void {
    if (answer === 'unknown') this.#leftOpen.add(this.#asked.get(op) ?? '')
    if (answer === 'accepted') this.#add('receipt accepted')
    else if (answer === 'duplicate') this.#add('receipt duplicate')
    else if (answer === 'unknown') this.#add('outcome unknown to the client')
    else this.#add(code === 'idempotency_conflict' ? 'conflict' : 'definite rejection')
  }

  #chunk({ chunkId, type, commands, settled }: Appended): void {
    if (this.#history.types[type]?.effects === 'callback')
      for (const { id } of commands) this.#callbacks.add(id)
    if (this.#appended.has(chunkId)) this.#add('unknown append resent')
    if (this.#settled.has(chunkId)) this.#add('settled at once and resent')
    if (settled === true) {
      this.#add('settled at once')
      this.#settled.add(chunkId)
    }
    this.#appended.add(chunkId)
    if (commands.length > 1) this.#add('chunk with several commands')
    if (commands.some(({ dueAt }) => dueAt !== null)) this.#add('scheduled command')
  }

  #claimed({ expiries, promoted }: Claimed): void {
    if (expiries > 0) this.#add('lease expired and reclaimed')
    if (expiries > 0 && promoted) this.#add('promoted chunk reclaimed')
  }

  #written(event: LeaseWritten): void {
    if (event.verdict === 'stale') {
      this.#add(event.verb === 'settle' ? 'stale settle' : 'stale extend')
      return
    }
    if (event.release) this.#add('lease given back')
    if (event.cursor !== null) this.#add('isolation')
    if (!event.complete && event.changes.length > 0) this.#add('partial progress')
    for (const { after } of event.changes) {
      if (after?.state === 'retrying') this.#add('retry settled')
      if (after?.state === 'failed') this.#add('failed by business')
    }
    this.#badDays.changed(event.changes)
    for (const { id, state, error } of event.updates) {
      if (state === 'dead' && this.#callbacks.has(id)) this.#add('callback given up')
      if (state === 'dead')
        this.#add(error === 'worker_crash' ? 'dead by worker crash' : 'dead after attempts')
    }
  }

  #effect(id: string): void {
    if (this.#effects.has(id)) this.#add('effect repeated')
    this.#effects.add(id)
  }

  #controlled({ verb, verdict, before, after, payload }: Controlled): void {
    const isDone = verdict === 'ok'
    switch (verb) {
      case 'discard':
        this.#add(isDone ? 'dead letter discarded' : 'discard refused')
        return
      case 'redrive':
        this.#add(isDone ? 'redrive' : 'redrive refused')
        if (isDone && payload !== undefined) this.#add('redrive with another payload')
        if (isDone && after?.state !== 'retrying') this.#add('redrive into another stage')
        return
      case 'cancel':
        this.#add(isDone ? 'cancel won' : 'cancel lost')
        if (isDone && before?.state !== 'accepted') this.#add('cancel of a parked command')
    }
  }

  #promoted({ at, worker, changes }: Promoted): void {
    this.#add('promoted')
    if (changes.some(({ before }) => before?.state === 'blocked')) this.#add('let go')
    const others = this.#promotes.filter(
      (other) => other.worker !== worker && at - other.at < PROMOTES_CLOSE_MS,
    )
    if (others.length > 0) this.#add('promote raced')
    this.#promotes.push({ at, worker })
  }
}

/** How incidents begin, and what they count as. */
const INCIDENTS: readonly (readonly [string, Sometimes])[] = [
  ['fails before shared', 'shared value fails'],
  ['fails before', 'store fails before commit'],
  ['commits', 'store commits and fails'],
  ['declines', 'not settled at once'],
  ['does', 'store fails and commits later'],
  ['down', 'store restarts'],
  ['wake-up lost', 'wake-up lost'],
  ['crash before', 'process crashes before a call'],
  ['crash after', 'process crashes after a call'],
  ['crash in a handler', 'process crashes in a handler'],
  ['crashed', 'process crashes'],
  ['stopped', 'process is stopped'],
  ['cut off', 'process is cut off'],
  ['has shut down', 'process shuts down'],
  ['hangs', 'handler hangs'],
  ['stalls', 'handler waits for its abort'],
  ['returns', 'handler returns too few outcomes'],
  ['bisects', 'bisect'],
  ['promotes overlap', 'promote raced'],
  ['takes over role', 'role taken over'],
  ['waits in its transaction', 'handler waits in its transaction'],
  ['loses its transaction', 'transaction lost'],
  ['ends', 'lock wait ended'],
]
