// Records what the store does, at the store: after the network, in the order of its commits. It compares every command
// an operation names with what it was before, so that a write that changed too much or too little is on record.

import {
  type AppendVerdict,
  type ChunkDraft,
  commandId,
  type Lease,
  type LeaseVerdict,
} from '../../domain/index.js'
import type {
  AppendLease,
  AppendOptions,
  CompletionVerdict,
  ControlVerdict,
  QueueSettings,
  RedriveOptions,
  RoleLease,
  Store,
  TokenCompletion,
  VerbOptions,
} from '../../ports/index.js'
import type { Appended, Claimed, StoredCommand, WrittenUpdate } from '../checker/index.js'
import { KnownCommands, snapshotOf } from './known-commands.js'
import { appendedCommands, commandIdsOf } from './recorded-drafts.js'
import type { Recording } from './recording.js'

type ClaimedCommand = Claimed['commands'][number]
type Written = Parameters<Store['settle']>[0][number] | Parameters<Store['extend']>[0][number]

export class StoreRecorder {
  readonly #store: Store
  readonly #recording: Recording
  readonly #commands: KnownCommands
  readonly #claims = new Map<string, Omit<Claimed, 'at'>>()
  readonly #partitions = new Map<string, number | null>()
  /** Who waits, or has waited, for a token, by its hash. */
  readonly #tokens = new Map<string, string>()
  readonly #broughtBefore = new Set<string>()

  constructor(store: Store, recording: Recording) {
    this.#store = store
    this.#recording = recording
    this.#commands = new KnownCommands(store.reader)
  }

  async append(drafts: readonly ChunkDraft[], options: AppendOptions<unknown> | undefined) {
    const results = await this.#store.append(drafts, options)
    const conflict = results.some(({ verdicts }) => verdicts?.some(({ status }) => status === 'conflict'))
    if (options?.atomic === true && conflict) return results
    for (const [position, draft] of drafts.entries()) {
      await this.#stored(draft, results[position]?.verdicts ?? null)
    }
    const leases = results.flatMap(({ lease = null }) => lease ?? [])
    if (options?.lease !== undefined) await this.#leased(leases, options.lease)
    return results
  }

  async appendSettled(...[drafts, rows, options]: Parameters<Store['appendSettled']>) {
    const createdAt = await this.#store.appendSettled(drafts, rows, options)
    if (createdAt === null) this.#recording.incident('store', 'declines to settle at once')
    else for (const draft of drafts) await this.#stored(draft, null, { settled: true })
    return createdAt
  }

  async claim(request: Parameters<Store['claim']>[0]) {
    const leases = await this.#store.claim(request)
    await this.#leased(leases, request)
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
      const note = (settlements: readonly Written[]): void => {
        written = settlements
      }
      return noted(work(scope, valid), note)
    })
    // What was written first: a command of a stale lease may be one that another lease of this call has just ended.
    const order = [...leases.entries()].sort(([a], [b]) => isStale(verdicts[a]) - isStale(verdicts[b]))
    for (const [index, lease] of order) {
      const verdict = verdicts[index] ?? 'stale'
      const items = written.filter(({ chunkId, token }) => chunkId === lease.chunkId && token === lease.token)
      const nothing = { ...lease, updates: [], finished: [], complete: false }
      for (const item of items.length > 0 ? items : [nothing]) await this.#written('settle', item, verdict, 0)
    }
    return verdicts
  }

  async control(
    verb: 'cancel' | 'redrive' | 'discard',
    ids: readonly string[],
    { payloads }: RedriveOptions = {},
  ): Promise<readonly ControlVerdict[]> {
    const verdicts: ControlVerdict[] = []
    for (const [at, id] of ids.entries()) {
      const before = await this.#commands.snapshot(id)
      const payload = payloads?.[at] ?? null
      const options = payload === null ? {} : { payloads: [payload] }
      const [verdict = 'not_found'] = await this.#store.control[verb]([id], options)
      const after = await this.#commands.snapshot(id)
      await this.#commands.changes([id])
      const edit = payload === null ? {} : { payload }
      this.#recording.add({ kind: 'controlled', verb, id, verdict, before, after, ...edit })
      verdicts.push(verdict)
    }
    return verdicts
  }

  async complete(
    items: readonly TokenCompletion[],
    options: VerbOptions | undefined,
  ): Promise<readonly CompletionVerdict[]> {
    const verdicts: CompletionVerdict[] = []
    for (const [at, item] of items.entries()) {
      const id = this.#tokens.get(item.tokenHash) ?? null
      const before = id === null ? null : await this.#commands.snapshot(id)
      const draft = options?.appends?.[at] ?? null
      const [verdict = 'not_found'] = await this.#store.control.complete([item], {
        ...options,
        appends: [draft],
      })
      const after = id === null ? null : await this.#commands.snapshot(id)
      if (id !== null) await this.#commands.changes([id])
      const appended = await this.#brought(draft === null ? [] : [draft], verdict === 'ok')
      const { state, delayMs, result = null } = item.update
      const answer = { hash: item.tokenHash, verdict, id, state, delayMs, result }
      this.#recording.add({ kind: 'completed', ...answer, before, after, appended })
      verdicts.push(verdict)
    }
    return verdicts
  }

  async configureQueue(queue: string, change: Partial<QueueSettings>): Promise<QueueSettings> {
    const settings = await this.#store.control.configureQueue(queue, change)
    if (change.paused !== undefined) this.#recording.add({ kind: 'paused', queue, paused: change.paused })
    return settings
  }

  async acquire(role: string, nodeId: string, leaseMs: number): Promise<RoleLease | null> {
    const [before] = (await this.#store.nodes.roles()).filter((lease) => lease.role === role)
    const lease = await this.#store.nodes.acquire(role, nodeId, leaseMs)
    if (lease !== null && before !== undefined && before.nodeId !== nodeId)
      this.#recording.incident(nodeId, `takes over role ${role} from ${before.nodeId}`)
    return lease
  }

  async promote(request: Parameters<Store['promote']>[0], worker: string) {
    const unseen = this.#commands.countUnseen()
    const count = await this.#store.promote(request)
    if (count === 0) return 0
    const changes = await this.#commands.changes(this.#commands.parked())
    this.#recording.add({ kind: 'promoted', worker, count, unseen, changes })
    return count
  }

  async prune({ retentionMs, failedRetentionMs, ...request }: Parameters<Store['prune']>[0]) {
    const report = await this.#store.prune({ ...request, retentionMs, failedRetentionMs })
    if (report.chunks + report.commands > 0) {
      const changes = await this.#commands.allChanges()
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
    const drift = await this.#commands.allChanges()
    this.#recording.add({
      kind: 'accounted',
      accounting,
      queues,
      listed: this.#commands.count(),
      drift,
    })
  }

  /** Everything that is stored, as it is now. */
  dump(): Promise<StoredCommand[]> {
    return this.#commands.dump()
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
    const changes = await this.#commands.changes(claim?.commands.map(({ id }) => id) ?? [])
    const appended = await this.#brought(item.appends ?? [], verdict === 'ok')
    if (verdict === 'ok') this.#learnTokens(item, idOf)
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
          ...(update.completion == null
            ? {}
            : { token: { hash: update.completion.tokenHash, expiresInMs: update.completion.expiresInMs } }),
        }),
      ),
      finished: item.finished.map(idOf),
      changes,
      ...(appended.length === 0 ? {} : { appended }),
    })
  }

  async #stored(
    draft: ChunkDraft,
    verdicts: readonly AppendVerdict[] | null,
    how: Pick<Appended, 'settled'> = {},
  ): Promise<void> {
    const { id, type, partition } = draft
    if (!this.#partitions.has(id)) this.#partitions.set(id, partition)
    const commands = appendedCommands(draft, verdicts)
    this.#recording.add({ kind: 'appended', chunkId: id, type, commands, ...how })
    await this.#commands.changes(
      commands.filter(({ verdict }) => verdict === 'accepted').map((command) => command.id),
    )
  }

  async #leased(leases: readonly Lease[], { workerId, leaseMs }: AppendLease): Promise<void> {
    for (const lease of leases) {
      const claimed = this.#claimedOf(lease, workerId, leaseMs)
      this.#claims.set(`${lease.chunkId}/${lease.token}`, claimed)
      this.#recording.add({ ...claimed })
      await this.#commands.changes(claimed.commands.map(({ id }) => id))
    }
  }

  /** What came with another write and is in the store now. Whether it should be is not asked here. */
  async #brought(drafts: readonly ChunkDraft[], isDue: boolean): Promise<string[]> {
    const ids: string[] = []
    for (const draft of drafts) {
      const own = commandIdsOf(draft)
      const isThere = (await this.#commands.snapshot(own[0] as string)) !== null
      if (!isThere) continue
      await this.#stored(draft, null)
      // One that an earlier call of unknown outcome has brought is no news, and not what a stale repeat is to blame for.
      if (isDue || !this.#broughtBefore.has(draft.id)) ids.push(...own)
      this.#broughtBefore.add(draft.id)
    }
    return ids
  }

  #learnTokens({ updates }: Written, idOf: (index: number) => string): void {
    for (const { index, completion } of updates)
      if (completion != null) this.#tokens.set(completion.tokenHash, idOf(index))
  }

  #claimedOf(lease: Lease, worker: string, leaseMs: number): Omit<Claimed, 'at'> {
    const { chunkId, token, queue, type, stage, expiries, members, size } = lease
    const skip = new Set(lease.skip)
    const commands: ClaimedCommand[] = []
    for (let index = 0; index < size; index += 1) {
      if (skip.has(index)) continue
      const { id = commandId(chunkId, index), attempts = 0 } = members?.[index] ?? {}
      commands.push({ index, id, attempts })
    }
    const firstChunk = members?.[0]?.id.split('-')[0] ?? chunkId
    return {
      kind: 'claimed',
      worker,
      chunkId,
      token,
      queue,
      type,
      stage,
      leaseMs,
      expiries,
      partition: this.#partitions.get(firstChunk) ?? null,
      promoted: members !== null,
      commands,
    }
  }
}

/** What the work says, whether it says it now or later. */
function noted<T extends readonly Written[]>(
  settlements: T | Promise<T>,
  note: (said: T) => void,
): T | Promise<T> {
  if (settlements instanceof Promise) {
    return settlements.then((said) => {
      note(said)
      return said
    })
  }
  note(settlements)
  return settlements
}

function isStale(verdict: LeaseVerdict | undefined): number {
  return verdict === 'ok' ? 0 : 1
}
