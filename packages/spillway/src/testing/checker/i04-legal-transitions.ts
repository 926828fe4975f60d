// I4: only legal transitions and one terminal state, which absorbs; a redrive opens a new generation of the same id.
// What a settlement that was answered `ok` says is what the store says afterwards.

import { type CommandEvent, type CommandState, isTerminal, transition } from '../../domain/index.js'
import { type Facts, leaseKey } from './facts.js'
import type {
  Appended,
  Change,
  Claimed,
  Controlled,
  HistoryEvent,
  LeaseWritten,
  Snapshot,
} from './history.js'
import { type Findings, findings, type Violation } from './violation.js'

type Verb =
  | 'extend'
  | 'settle'
  | 'release'
  | 'promote'
  | 'complete'
  | 'cancel'
  | 'redrive'
  | 'discard'
  | 'prune'

const ANSWERS: readonly CommandEvent[] = [
  'ok',
  'fail',
  'retry',
  'doubt',
  'pend',
  'block',
  'undo',
  'undone',
  'exhaust',
]

/** Which events of the transition table each operation may stand for, several one after the other where the last one says so. */
const EVENTS: Readonly<Record<Exclude<Verb, 'prune'>, readonly CommandEvent[]>> = {
  extend: ANSWERS,
  settle: ANSWERS,
  release: [...ANSWERS, 'lose'],
  promote: ['promote', 'unblock'],
  complete: ANSWERS,
  cancel: ['cancel'],
  redrive: ['redrive', 'redriveDoubt', 'redriveUndo'],
  discard: ['discard'],
}

/** Each opens a new generation. */
const RENEWALS: readonly Verb[] = ['redrive', 'discard']

function isLegal(verb: Verb, from: CommandState, to: CommandState | null): boolean {
  if (verb === 'prune') return to === null && isTerminal(from)
  const reached = EVENTS[verb].map((event) => transition(from, event))
  // What is let go of is due at once.
  if (verb === 'promote' && from === 'blocked') reached.push('accepted')
  return to !== null && reached.includes(to)
}

export function legalTransitions(facts: Facts): readonly Violation[] {
  const found = findings('I4')
  const walk = new Walk(facts, found)
  for (const event of facts.history.events) walk.step(event)
  const { final } = facts.history
  for (const command of final.commands) walk.see(final.at, command, 'at the end')
  return found.list
}

class Walk {
  readonly #facts: Facts
  readonly #found: Findings
  readonly #last = new Map<string, Snapshot>()
  /** Ids a lease already wrote about, by lease. */
  readonly #written = new Map<string, Set<string>>()

  constructor(facts: Facts, found: Findings) {
    this.#facts = facts
    this.#found = found
  }

  step(event: HistoryEvent): void {
    if (event.kind === 'written') this.#write(event)
    else if (event.kind === 'appended' && event.settled === true) this.#settled(event)
    else if (event.kind === 'claimed') this.#claim(event)
    else if (event.kind === 'controlled') this.#control(event)
    else if (event.kind === 'promoted') this.#changes(event.at, 'promote', event.changes)
    else if (event.kind === 'completed' && event.verdict === 'ok' && event.id !== null)
      this.#changes(event.at, 'complete', [{ id: event.id, before: event.before, after: event.after }])
    else if (event.kind === 'pruned') this.#changes(event.at, 'prune', event.changes)
    else if (event.kind === 'observed' && event.snapshot !== null)
      this.see(event.at, event.snapshot, 'for a reader')
    else if (event.kind === 'accounted') {
      for (const { id, before, after } of event.drift) {
        this.#found.add(
          event.at,
          id,
          `changed from ${before?.state} to ${after?.state} outside any operation`,
        )
      }
    }
  }

  /** Nothing is left to happen to what was stored as settled. */
  #settled(event: Appended): void {
    if (!this.#facts.appends.has(event)) {
      this.#found.add(event.at, event.chunkId, 'was stored as settled, and had been stored before')
      return
    }
    for (const { id } of event.commands)
      this.#last.set(id, {
        ...{ id, state: 'succeeded', attempts: 1, generation: 0 },
        ...{ nextAt: null, finishedAt: event.at },
      })
  }

  /** Any sighting must be reachable from the one before. */
  see(at: number, now: Snapshot, where: string): void {
    const last = this.#last.get(now.id)
    this.#last.set(now.id, now)
    if (last === undefined || now.generation > last.generation) return
    if (now.generation < last.generation) {
      this.#found.add(at, now.id, `fell back from generation ${last.generation} to ${now.generation}`)
    } else if (now.state !== last.state && (isTerminal(last.state) || now.state === 'scheduled')) {
      this.#found.add(at, now.id, `was ${last.state} and is ${now.state} ${where} in the same generation`)
    }
  }

  #changes(at: number, verb: Verb, changes: readonly Change[]): void {
    for (const { id, before, after } of changes) {
      if (before !== null) this.see(at, before, `before ${verb}`)
      const same = verb === 'complete' && before?.state === after?.state
      const legal = before !== null && (same || isLegal(verb, before.state, after?.state ?? null))
      if (!legal)
        this.#found.add(at, id, `${verb} made ${after?.state ?? 'nothing'} of ${before?.state ?? 'nothing'}`)
      const generation = (before?.generation ?? 0) + (RENEWALS.includes(verb) ? 1 : 0)
      if (after !== null && after.generation !== generation) {
        this.#found.add(at, id, `has generation ${after.generation} after ${verb}, expected ${generation}`)
      }
      if (after !== null) this.#last.set(id, after)
    }
  }

  #control(event: Controlled): void {
    const { at, verb, id, verdict, before, after } = event
    const same = before?.state === after?.state && before?.generation === after?.generation
    if (verdict === 'ok') this.#changes(at, verb, [{ id, before, after }])
    else if (!same)
      this.#found.add(
        at,
        id,
        `${verb} was answered ${verdict} and changed ${before?.state} to ${after?.state}`,
      )
  }

  #claim(event: Claimed): void {
    this.#written.set(leaseKey(event), new Set())
    for (const { id } of event.commands) {
      const last = this.#last.get(id)
      if (last === undefined || !isTerminal(last.state)) continue
      this.#found.add(event.at, id, `was claimed to run again although it is ${last.state}`)
    }
  }

  #write(event: LeaseWritten): void {
    if (event.verdict === 'stale') return
    this.#changes(event.at, event.release ? 'release' : event.verb, event.changes)
    const written = this.#written.get(leaseKey(event)) ?? new Set()
    for (const { id, state } of event.updates) {
      // Writing the same again after a lost answer is harmless; the command may have moved on meanwhile.
      if (!written.has(id)) this.#expect(event, id, state)
      written.add(id)
    }
    if (!event.complete) return
    for (const { id } of this.#facts.claims.get(leaseKey(event))?.commands ?? []) {
      if (!written.has(id)) this.#expect(event, id, 'succeeded')
    }
  }

  #expect(event: LeaseWritten, id: string, state: CommandState): void {
    const shown = this.#last.get(id)
    if (shown?.state === state) return
    this.#found.add(
      event.at,
      id,
      `was settled as ${state}, answered ok, and the store shows ${shown?.state ?? 'nothing'}`,
    )
  }
}
