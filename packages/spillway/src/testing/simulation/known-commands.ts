// Every command as the last operation on it left it, so that the next one can be seen for what it changed.

import { type CommandState, PAGE_ROWS_MAX } from '../../domain/index.js'
import type { Accounting, CommandView, StoreReader } from '../../ports/index.js'
import type { Change, Snapshot, StoredCommand } from '../checker/index.js'

export class KnownCommands {
  readonly #reader: StoreReader
  readonly #known = new Map<string, Snapshot>()

  constructor(reader: StoreReader) {
    this.#reader = reader
  }

  /** Commands that a promotion moves to another state. */
  parked(): string[] {
    return this.#in(['scheduled', 'retrying', 'blocked'])
  }

  /** How many wait in states that they keep while a promoted chunk carries them. */
  countUnseen(): number {
    return this.#in(['reconciling', 'pending', 'compensating']).length
  }

  #in(states: readonly CommandState[]): string[] {
    const ids: string[] = []
    for (const { id, state } of this.#known.values()) if (states.includes(state)) ids.push(id)
    return ids
  }

  async snapshot(id: string): Promise<Snapshot | null> {
    const [view = null] = await this.#reader.get([id])
    return view === null ? null : snapshotOf(view)
  }

  /** What became of these commands since they were looked at last. */
  async changes(ids: readonly string[]): Promise<Change[]> {
    const views = await this.#reader.get(ids)
    return this.#compareAll(ids, (_, at) => views[at])
  }

  /** What became of all commands. */
  async allChanges(): Promise<Change[]> {
    const listed = new Map((await this.#list()).map((view) => [view.id, view]))
    const ids = new Set([...this.#known.keys(), ...listed.keys()])
    return this.#compareAll(ids, (id) => listed.get(id))
  }

  count(): Accounting {
    const waiting = { accepted: 0, ready: 0, running: 0, scheduled: 0, retrying: 0, blocked: 0 }
    const asked = { reconciling: 0, pending: 0, compensating: 0 }
    const counts = { ...waiting, ...asked, succeeded: 0, failed: 0, dead: 0, cancelled: 0, compensated: 0 }
    for (const { state } of this.#known.values()) {
      counts.accepted += 1
      counts[state === 'accepted' ? 'ready' : state] += 1
    }
    return counts
  }

  /** Everything that is stored, as it is now. */
  async dump(): Promise<StoredCommand[]> {
    const listed = await this.#list()
    const ids = listed.map(({ id }) => id)
    const views = await this.#reader.get(ids, { payload: true })
    return listed.map((view, index) => {
      const shown = views[index] ?? view
      return { ...snapshotOf(shown), type: view.type, payload: shown.payload ?? '', result: shown.result }
    })
  }

  #compareAll(
    ids: Iterable<string>,
    viewOf: (id: string, at: number) => CommandView | null | undefined,
  ): Change[] {
    const changes: Change[] = []
    let at = 0
    for (const id of ids) {
      const change = this.#compare(id, viewOf(id, at) ?? null)
      if (change !== null) changes.push(change)
      at += 1
    }
    return changes
  }

  /** Null when it is what it was. */
  #compare(id: string, view: CommandView | null): Change | null {
    const before = this.#known.get(id) ?? null
    const after = view === null ? null : snapshotOf(view)
    if (after === null) this.#known.delete(id)
    else this.#known.set(id, after)
    const same = before?.state === after?.state && before?.generation === after?.generation
    return same ? null : { id, before, after }
  }

  async #list(): Promise<CommandView[]> {
    const listed: CommandView[] = []
    for (let after: string | null | undefined; after !== null; ) {
      const request = after === undefined ? { limit: PAGE_ROWS_MAX } : { limit: PAGE_ROWS_MAX, after }
      const page = await this.#reader.list(request)
      listed.push(...page.items)
      after = page.next
    }
    return listed
  }
}

export function snapshotOf(view: CommandView): Snapshot {
  const { id, state, attempts, generation, nextAt, finishedAt } = view
  return { id, state, attempts, generation, nextAt, finishedAt }
}
