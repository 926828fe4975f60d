// I8: in an ordered queue a command starts only after every earlier one of its key is over: ended in the store, or under the very
// lease that both are executed under. A dead one is over where dead letters are skipped, and else once somebody has discarded it or
// brought it to another end, or it outlived its retention. Scheduled commands, and those that are redriven after their end, wait for nobody until they have run.

import { isTerminal, type UpdateState } from '../../domain/index.js'
import { type Facts, leaseKey, NO_NEWS } from './facts.js'
import type { Appended, Completed, Controlled, Ended, LeaseWritten, Pruned, Started } from './history.js'
import { type Findings, findings, type Violation } from './violation.js'

interface Standing {
  readonly key: string
  readonly queue: string
  /** Chunks that were stored in the same instant have no order that anybody could know. */
  readonly at: number
  readonly chunkId: string
  readonly index: number
  holds: boolean
  /** The lease under which it came to an end that nobody has written down yet. */
  overUnder: string | null
}

export function inOrder(facts: Facts): readonly Violation[] {
  const found = findings('I8')
  const lines = new Lines(facts, found)
  for (const event of facts.history.events) {
    if (event.kind === 'appended' && facts.appends.has(event)) lines.append(event)
    else if (event.kind === 'started') lines.start(event)
    else if (event.kind === 'ended') lines.end(event)
    else if (event.kind === 'written' && event.verdict === 'ok') lines.write(event)
    else if (event.kind === 'controlled' && event.verdict === 'ok') lines.control(event)
    else if (event.kind === 'completed' && event.verdict === 'ok') lines.complete(event)
    else if (event.kind === 'pruned') lines.prune(event)
  }
  return found.list
}

class Lines {
  readonly #facts: Facts
  readonly #found: Findings
  readonly #standings = new Map<string, Standing>()
  readonly #lines = new Map<string, Standing[]>()
  readonly #ids = new Map<Standing, string>()
  /** Under which lease each execution was begun. */
  readonly #leases = new Map<number, string>()

  constructor(facts: Facts, found: Findings) {
    this.#facts = facts
    this.#found = found
  }

  append({ at, chunkId, type, commands }: Appended): void {
    const { queue = type } = this.#facts.history.types[type] ?? {}
    for (const [index, { id, verdict, dueAt, orderingKey }] of commands.entries()) {
      if (orderingKey === undefined || verdict !== 'accepted') continue
      const key = `${queue}/${orderingKey}`
      const standing: Standing = { key, queue, at, chunkId, index, holds: dueAt === null, overUnder: null }
      this.#standings.set(id, standing)
      this.#ids.set(standing, id)
      const line = this.#lines.get(key)
      if (line === undefined) this.#lines.set(key, [standing])
      else line.push(standing)
    }
  }

  start(event: Started): void {
    const own = this.#standings.get(event.id)
    if (own === undefined) return
    own.overUnder = null
    const lease = leaseKey(event)
    this.#leases.set(event.run, lease)
    if ((event.stage ?? 'execute') !== 'execute') return
    for (const other of this.#lines.get(own.key) ?? []) {
      if (!other.holds || !isBefore(other, own) || other.overUnder === lease) continue
      this.#found.add(event.at, event.id, `was run although ${this.#ids.get(other)} of its key is not over`)
    }
  }

  end({ id, run, state, concludedUnder }: Ended): void {
    const own = this.#standings.get(id)
    if (own === undefined || this.#holds(own, state)) return
    own.overUnder = concludedUnder === undefined ? (this.#leases.get(run) ?? null) : leaseKey(concludedUnder)
  }

  write(event: LeaseWritten): void {
    const { updates, silent } = this.#facts.news.get(event) ?? NO_NEWS
    for (const { id, state } of updates) this.#become(id, state)
    for (const id of silent) this.#become(id, 'succeeded')
  }

  control({ id, verb, before }: Controlled): void {
    const own = this.#standings.get(id)
    if (own === undefined) return
    own.holds = verb === 'redrive' && before?.state === 'dead' && this.#holds(own, 'dead')
    own.overUnder = null
  }

  complete({ id, state }: Completed): void {
    if (id !== null) this.#become(id, state)
  }

  /** What outlived its retention holds up nobody any more. */
  prune({ changes }: Pruned): void {
    for (const { id, after } of changes) {
      const own = this.#standings.get(id)
      if (own !== undefined && after === null) own.holds = false
    }
  }

  #become(id: string, state: UpdateState): void {
    const own = this.#standings.get(id)
    if (own !== undefined) own.holds = this.#holds(own, state)
  }

  #holds({ queue }: Standing, state: UpdateState): boolean {
    if (state === 'dead') return this.#facts.history.queues[queue]?.onDead === 'block'
    return !isTerminal(state)
  }
}

function isBefore(one: Standing, other: Standing): boolean {
  return one.chunkId === other.chunkId ? one.index < other.index : one.at < other.at
}
