// Records what the store does, at the store: after the network, in the order of its commits. It compares every command
// an operation names with what it was before, so that a write that changed too much or too little is on record.

import {
  type ChunkDraft,
  commandId,
  type Lease,
  type LeaseVerdict,
  PAGE_ROWS_MAX,
} from '../../domain/index.js'
import type { Accounting, CommandView, ControlVerdict, Store } from '../../ports/index.js'
import type {
  AppendedCommand,
  Change,
  Claimed,
  Snapshot,
  StoredCommand,
  WrittenUpdate,
} from '../checker/index.js'
import type { Recording } from './recording.js'

type Written = Parameters<Store['settle']>[0][number] | Parameters<Store['extend']>[0][number]

export class StoreRecorder {
  readonly #store: Store
  readonly #recording: Recording
  /** Every command as the last operation on it left it. */
  readonly #known = new Map<string, Snapshot>()
  readonly #claims = new Map<string, Claimed>()
  readonly #partitions = new Map<string, number | null>()

  constructor(store: Store, recording: Recording) {
    this.#store = store
    this.#recording = recording
  }

  async append(drafts: readonly ChunkDraft[], options: { atomic?: boolean } | undefined) {
    const results = await this.#store.append(drafts, options)
    const conflict = results.some(({ verdicts }) => verdicts?.some(({ status }) => status === 'conflict'))
    if (options?.atomic === true && conflict) return results
    for (const [position, draft] of drafts.entries()) {
      const { id, type, partition } = draft
      const verdicts = results[position]?.verdicts ?? null
      if (!this.#partitions.has(id)) this.#partitions.set(id, partition)
      const commands = payloadsOf(draft).map(
        (payload, index): AppendedCommand => ({
          id: commandId(id, index),
          payload,
          verdict: verdicts?.[index]?.status ?? 'accepted',
          dueAt: draft.parked?.[index]?.nextAt ?? null,
        }),
      )
      this.#recording.add({ kind: 'appended', chunkId: id, type, commands })
      await this.#changes(
        commands.filter(({ verdict }) => verdict === 'accepted').map((command) => command.id),
      )
    }
    return results
  }

  async claim(request: Parameters<Store['claim']>[0]) {
    const leases = await this.#store.claim(request)
    for (const lease of leases) {
      const claimed = this.#claimedOf(lease, request.workerId, request.leaseMs)
      this.#claims.set(`${lease.chunkId}/${lease.token}`, claimed)
      const { at: _, ...event } = claimed
      this.#recording.add(event)
      await this.#changes(claimed.commands.map(({ id }) => id))
    }
    return leases
  }

  // Item by item, which is no different for a store that takes them one after the other: so each has a before and an after.
  async extend(items: Parameters<Store['extend']>[0], leaseMs: number) {
    const verdicts: LeaseVerdict[] = []
    for (const item of items) {
      const [verdict = 'stale'] = await this.#store.extend([item], leaseMs)
      await this.#written('extend', item, verdict, leaseMs)
      verdicts.push(verdict)
    }
    return verdicts
  }

  async settle(items: Parameters<Store['settle']>[0]) {
    const verdicts: LeaseVerdict[] = []
    for (const item of items) {
      const [verdict = 'stale'] = await this.#store.settle([item])
      await this.#written('settle', item, verdict, 0)
      verdicts.push(verdict)
    }
    return verdicts
  }

  async settleWithin(
    leases: Parameters<Store['settleWithin']>[0],
    work: Parameters<Store['settleWithin']>[1],
  ) {
    let written: readonly Written[] = []
    const verdicts = await this.#store.settleWithin(leases, (scope, valid) => {
      const settlements = work(scope, valid)
      if (Array.isArray(settlements)) written = settlements
      return settlements
    })
    for (const [index, lease] of leases.entries()) {
      const verdict = verdicts[index] ?? 'stale'
      const items = written.filter(({ chunkId, token }) => chunkId === lease.chunkId && token === lease.token)
      const nothing = { ...lease, updates: [], finished: [], complete: false }
      for (const item of items.length > 0 ? items : [nothing]) await this.#written('settle', item, verdict, 0)
    }
    return verdicts
  }

  async control(verb: 'cancel' | 'redrive', ids: readonly string[]): Promise<readonly ControlVerdict[]> {
    const verdicts: ControlVerdict[] = []
    for (const id of ids) {
      const [before = null] = await this.#snapshots([id])
      const [verdict = 'not_found'] = await this.#store.control[verb]([id])
      const [after = null] = await this.#snapshots([id])
      if (after !== null) this.#known.set(id, after)
      this.#recording.add({ kind: 'controlled', verb, id, verdict, before, after })
      verdicts.push(verdict)
    }
    return verdicts
  }

  async setPaused(queue: string, paused: boolean): Promise<void> {
    await this.#store.control.setPaused(queue, paused)
    this.#recording.add({ kind: 'paused', queue, paused })
  }

  async promote(request: Parameters<Store['promote']>[0], worker: string) {
    const count = await this.#store.promote(request)
    if (count === 0) return 0
    const parked = [...this.#known.values()].filter(
      ({ state }) => state === 'scheduled' || state === 'retrying',
    )
    const changes = await this.#changes(parked.map(({ id }) => id))
    this.#recording.add({ kind: 'promoted', worker, count, changes })
    return count
  }

  async prune({ retentionMs, failedRetentionMs, ...request }: Parameters<Store['prune']>[0]) {
    const report = await this.#store.prune({ ...request, retentionMs, failedRetentionMs })
    if (report.chunks + report.commands > 0) {
      const changes = await this.#allChanges()
      this.#recording.add({ kind: 'pruned', retentionMs, failedRetentionMs, changes })
    }
    return report
  }

  async get(ids: readonly string[], options: { readonly payload?: boolean } | undefined) {
    const views = await this.#store.reader.get(ids, options)
    for (const [index, id] of ids.entries()) {
      const view = views[index] ?? null
      this.#recording.add({ kind: 'observed', id, snapshot: view === null ? null : snapshotOf(view) })
    }
    return views
  }

  /** Looks at every count at once, and for changes nobody has recorded. */
  async account(): Promise<void> {
    const accounting = await this.#store.reader.accounting()
    const queues = await this.#store.reader.queues()
    const drift = await this.#allChanges()
    this.#recording.add({
      kind: 'accounted',
      accounting,
      queues,
      listed: countStates(this.#known.values()),
      drift,
    })
  }

  /** Everything that is stored, as it is now. */
  async dump(): Promise<StoredCommand[]> {
    const listed = await this.#list()
    const views = await this.#store.reader.get(
      listed.map(({ id }) => id),
      { payload: true },
    )
    return listed.map(({ id, type }, index) => {
      const view = views[index] ?? null
      const shown = view === null ? (listed[index] as CommandView) : view
      return { ...snapshotOf(shown), id, type, payload: view?.payload ?? '', result: shown.result }
    })
  }

  async #written(
    verb: 'extend' | 'settle',
    item: Written,
    verdict: LeaseVerdict,
    leaseMs: number,
  ): Promise<void> {
    const { chunkId, token } = item
    const claim = this.#claims.get(`${chunkId}/${token}`)
    const idOf = (index: number): string =>
      claim?.commands.find((command) => command.index === index)?.id ?? commandId(chunkId, index)
    this.#recording.add({
      kind: 'written',
      verb,
      worker: claim?.worker ?? '?',
      chunkId,
      token,
      verdict,
      leaseMs,
      release: 'release' in item && item.release === true,
      complete: 'complete' in item && item.complete,
      cursor: 'cursor' in item && typeof item.cursor === 'number' ? idOf(item.cursor) : null,
      updates: item.updates.map(
        ({ index, error, ...update }): WrittenUpdate => ({
          id: idOf(index),
          state: update.state,
          attempts: update.attempts,
          delayMs: update.delayMs,
          error: error?.code ?? null,
        }),
      ),
      finished: item.finished.map(idOf),
      changes: await this.#changes(claim?.commands.map(({ id }) => id) ?? []),
    })
  }

  #claimedOf(lease: Lease, worker: string, leaseMs: number): Claimed {
    const { chunkId, token, queue, type, expiries, members, size } = lease
    const skip = new Set(lease.skip)
    const commands = Array.from({ length: size }, (_, index) => ({
      index,
      id: members?.[index]?.id ?? commandId(chunkId, index),
      attempts: members?.[index]?.attempts ?? 0,
    })).filter(({ index }) => !skip.has(index))
    const firstChunk = members?.[0]?.id.split('-')[0] ?? chunkId
    return {
      ...{ kind: 'claimed', at: 0, worker, chunkId, token, queue, type, leaseMs, expiries },
      partition: this.#partitions.get(firstChunk) ?? null,
      promoted: members !== null,
      commands,
    }
  }

  async #snapshots(ids: readonly string[]): Promise<(Snapshot | null)[]> {
    const views = await this.#store.reader.get(ids)
    return views.map((view) => (view === null ? null : snapshotOf(view)))
  }

  async #changes(ids: readonly string[]): Promise<Change[]> {
    const snapshots = await this.#snapshots(ids)
    return ids.flatMap((id, index) => this.#compare(id, snapshots[index] ?? null))
  }

  async #allChanges(): Promise<Change[]> {
    const listed = new Map((await this.#list()).map((view) => [view.id, snapshotOf(view)]))
    const ids = new Set([...this.#known.keys(), ...listed.keys()])
    return [...ids].flatMap((id) => this.#compare(id, listed.get(id) ?? null))
  }

  #compare(id: string, after: Snapshot | null): Change[] {
    const before = this.#known.get(id) ?? null
    if (after === null) this.#known.delete(id)
    else this.#known.set(id, after)
    const same = before?.state === after?.state && before?.generation === after?.generation
    return same ? [] : [{ id, before, after }]
  }

  async #list(): Promise<CommandView[]> {
    const listed: CommandView[] = []
    for (let after: string | null | undefined; after !== null; ) {
      const request = after === undefined ? { limit: PAGE_ROWS_MAX } : { limit: PAGE_ROWS_MAX, after }
      const page = await this.#store.reader.list(request)
      listed.push(...page.items)
      after = page.next
    }
    return listed
  }
}

/** Key order is fixed by the workload's payloads, so parsing and writing gives the submitted text back. */
function payloadsOf(draft: ChunkDraft): string[] {
  return (JSON.parse(draft.body) as unknown[]).map((payload) => JSON.stringify(payload))
}

function snapshotOf({ id, state, attempts, generation, nextAt, finishedAt }: CommandView): Snapshot {
  return { id, state, attempts, generation, nextAt, finishedAt }
}

function countStates(commands: Iterable<Snapshot>): Accounting {
  const count = { accepted: 0, ready: 0, running: 0, scheduled: 0, retrying: 0 }
  const ended = { succeeded: 0, failed: 0, dead: 0, cancelled: 0 }
  const all = { ...count, ...ended }
  for (const { state } of commands) {
    all.accepted += 1
    all[state === 'accepted' ? 'ready' : state] += 1
  }
  return all
}
