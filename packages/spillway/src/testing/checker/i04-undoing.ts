// I4, for undoing: a command is undone only once it was refused, or exhausted where its type undoes that as well; and it counts as
// compensated only after what undoes it has said that it is done.

import type { CommandState } from '../../domain/index.js'
import type { Facts } from './facts.js'
import type { Change, Controlled, HistoryEvent, Replied, Reply } from './history.js'
import { typeOf } from './i06-asked-first.js'
import { type Findings, findings, type Violation } from './violation.js'

interface Undoing {
  /** The last word about the command itself; one that was late, from a worker that had lost it, takes nothing back. */
  last: Reply | null
  refused: boolean
  /** Somebody has undone it since it failed. */
  undone: boolean
  state: CommandState | null
}

export function undoing(facts: Facts): readonly Violation[] {
  const found = findings('I4')
  const walk = new Walk(facts, found)
  for (const event of facts.history.events) walk.step(event)
  return found.list
}

class Walk {
  readonly #facts: Facts
  readonly #found: Findings
  readonly #commands = new Map<string, Undoing>()

  constructor(facts: Facts, found: Findings) {
    this.#facts = facts
    this.#found = found
  }

  step(event: HistoryEvent): void {
    if (event.kind === 'replied') this.#reply(event)
    else if (event.kind === 'called' && event.stage === 'compensate') this.#called(event.at, event.id)
    else if (event.kind === 'written' && event.verdict === 'ok')
      for (const change of event.changes) this.#change(event.at, change)
    else if (event.kind === 'completed' && event.verdict === 'ok' && event.id !== null) {
      const { id, before, after, at } = event
      this.#of(id).refused ||= event.state === 'compensating'
      this.#change(at, { id, before, after })
    } else if (event.kind === 'controlled' && event.verdict === 'ok') this.#control(event)
  }

  #control({ id, verb, after }: Controlled): void {
    const own = this.#of(id)
    own.state = after?.state ?? null
    if (verb === 'redrive' && own.state === 'retrying') own.refused = false
  }

  #reply({ id, stage, reply }: Replied): void {
    const own = this.#of(id)
    if (stage !== 'compensate') {
      own.last = reply
      own.refused ||= reply === 'failed'
    }
    if (stage === 'compensate' && reply === 'ok') own.undone = true
  }

  #called(at: number, id: string): void {
    const { state } = this.#of(id)
    if (state !== 'compensating' && state !== 'compensated' && state !== 'dead')
      this.#found.add(at, id, `was undone while it was ${state ?? 'executed for the first time'}`)
  }

  #change(at: number, { id, before, after }: Change): void {
    const own = this.#of(id)
    own.state = after?.state ?? null
    const rule = this.#facts.history.types[typeOf(this.#facts, id)]?.badDays
    if (rule === undefined || after === null) return
    if (after.state === 'compensating' && before?.state !== 'compensating') {
      own.undone = false
      if (!own.refused && !rule.undoneWhenDead)
        this.#found.add(at, id, `is being undone after '${own.last ?? 'nothing'}', and was not refused`)
      if (rule.compensations === null) this.#found.add(at, id, 'is being undone, but nothing can undo it')
    }
    if (after.state === 'compensated' && rule.undoneAsWhole && !own.undone)
      this.#found.add(at, id, 'counts as compensated, but nobody has undone it')
  }

  #of(id: string): Undoing {
    const known = this.#commands.get(id)
    if (known !== undefined) return known
    const fresh: Undoing = { last: null, refused: false, undone: false, state: null }
    this.#commands.set(id, fresh)
    return fresh
  }
}
