// One execution of an operation: goes through the commands it is about, a page at a time, and does its verb to each. What it does is
// written down as it goes on, so that an execution which is cut short, by its slice of time or by a crash, is continued by the next.

import type { Clock, CommandView, ControlVerdict, Random, StoreReader, StoreShared } from '../ports/index.js'
import { FROM_THE_START, matchesAt } from './matches.js'
import type { OperationScope } from './operation-scope.js'
import { type BegunPage, NO_COUNTS, type OperationProgress, ProgressRecord } from './progress.js'

/** Verdicts in the order of the ids, at most VERB_COMMANDS_MAX. */
export type BulkVerb = (ids: readonly string[]) => Promise<readonly ControlVerdict[]>

export interface OperationRunOptions {
  readonly id: string
  readonly scope: OperationScope
  readonly apply: BulkVerb
  readonly reader: Pick<StoreReader, 'get' | 'list'>
  readonly shared: Pick<StoreShared, 'read' | 'write'>
  readonly clock: Pick<Clock, 'monotonic'>
  readonly random: Random
  /** It stops after this long; another execution goes on. */
  readonly sliceMs: number
}

const BEGINNING: OperationProgress = Object.freeze({ ...NO_COUNTS, next: FROM_THE_START, page: null })

export class OperationRun {
  readonly #options: OperationRunOptions
  readonly #record: ProgressRecord

  constructor(options: OperationRunOptions) {
    this.#options = options
    this.#record = new ProgressRecord(options.shared, options.random, options.id)
  }

  /** How far it has got; `next` null = all the way. */
  async run(signal: AbortSignal): Promise<OperationProgress> {
    const { reader, scope, clock, sliceMs } = this.#options
    const endsAt = clock.monotonic() + sliceMs
    let progress = await this.#begin(signal)
    while (progress.next !== null && clock.monotonic() < endsAt) {
      signal.throwIfAborted()
      const { items, next } = await matchesAt((request) => reader.list(request), scope, progress.next)
      progress = { ...progress, next, page: items.length === 0 ? null : pageOf(items) }
      if (progress.page === null) continue
      await this.#record.save(progress)
      signal.throwIfAborted()
      progress = counted(progress, await this.#options.apply(progress.page?.ids ?? []))
    }
    await this.#record.save(progress)
    return progress
  }

  /** Finishes a page that an earlier execution had begun. */
  async #begin(signal: AbortSignal): Promise<OperationProgress> {
    const progress = (await this.#record.takeOver()) ?? BEGINNING
    if (progress.page === null) return progress
    signal.throwIfAborted()
    return counted(progress, await this.#finish(progress.page))
  }

  async #finish({ ids, generations }: BegunPage): Promise<readonly ControlVerdict[]> {
    const views = await this.#options.reader.get(ids)
    const left = ids.filter((_, at) => !this.#isDone(views[at] ?? null, generations[at] ?? 0))
    const verdicts = left.length === 0 ? [] : await this.#options.apply(left)
    const verdictOf = new Map(left.map((id, at) => [id, verdicts[at] ?? 'conflict']))
    return ids.map((id) => verdictOf.get(id) ?? 'ok')
  }

  /** Redriving and discarding leave a generation behind, cancelling a state. */
  #isDone(view: CommandView | null, generation: number): boolean {
    if (view === null) return false
    return this.#options.scope.action === 'cancel' ? view.state === 'cancelled' : view.generation > generation
  }
}

function pageOf(items: readonly CommandView[]): BegunPage {
  return { ids: items.map(({ id }) => id), generations: items.map(({ generation }) => generation) }
}

function counted(progress: OperationProgress, verdicts: readonly ControlVerdict[]): OperationProgress {
  const changed = verdicts.filter((verdict) => verdict === 'ok').length
  return {
    next: progress.next,
    page: null,
    seen: progress.seen + verdicts.length,
    changed: progress.changed + changed,
    conflicts: progress.conflicts + verdicts.length - changed,
  }
}
