// The memory store as a database server would be: transactions that last as long as a handler takes, with row locks that writes
// of others wait for and claims pass over, on connections that can break. What the tests of the worker need to meet without one.

import type { LeaseRef, LeaseVerdict } from '../../src/domain/index.js'
import { SpillwayError } from '../../src/errors/index.js'
import type { BulkWrite, Clock, SettleScope, SettleWork, Store } from '../../src/ports/index.js'
import type { MemoryRow, MemoryTx } from '../../src/stores/memory/index.js'

/** The transaction as handlers see it. */
export interface AsyncTx {
  set(table: string, key: string, row: MemoryRow): Promise<void>
}

export interface AsyncStore {
  readonly store: Store<MemoryTx>
  /** Transactions that have begun and not ended: connections in use. */
  readonly open: number
  /** Savepoints that were ended after their transaction, on what may be somebody else's connection by then. */
  readonly lateEnds: number
  /** Breaks the connections of all open transactions: their locks are gone, and so is what they wrote. */
  breakConnections(): void
}

/** Longer than any test: nobody takes over a chunk whose row is locked. */
const LOCKED_MS = 86_400_000

export function asyncStore(real: Store<MemoryTx>, clock: Pick<Clock, 'now'>): AsyncStore {
  const locks = new Locks()
  const deadlines = new Map<string, number>()
  const transactions = new Set<Transaction>()
  let lateEnds = 0

  /** Locked rows are passed over: to the store inside they look like leases that have not ended. */
  async function shield(): Promise<void> {
    for (const ref of locks.held()) await prolong(ref, LOCKED_MS)
  }

  async function unlock(refs: readonly LeaseRef[]): Promise<void> {
    for (const ref of refs) {
      await prolong(ref, Math.max(0, (deadlines.get(ref.chunkId) ?? 0) - clock.now()))
      locks.free(ref)
    }
  }

  async function prolong({ chunkId, token }: LeaseRef, leaseMs: number): Promise<void> {
    await real.extend([{ chunkId, token, updates: [], finished: [] }], leaseMs)
  }

  async function settleWithin(
    leases: readonly LeaseRef[],
    work: SettleWork<MemoryTx>,
  ): Promise<readonly LeaseVerdict[]> {
    for (const ref of leases) await locks.take(ref)
    const transaction = new Transaction(
      () => void unlock(leases),
      () => {
        lateEnds += 1
      },
    )
    transactions.add(transaction)
    try {
      let valid: readonly boolean[] = []
      const verdicts = await real.settleWithin(leases, (_, found) => {
        valid = found
        return []
      })
      const settlements = await work(transaction.scope() as SettleScope<MemoryTx>, valid)
      transaction.check()
      await real.settleWithin(leases, (scope) => {
        for (const bulk of transaction.writes) void scope.write(bulk)
        return settlements
      })
      return verdicts
    } finally {
      transactions.delete(transaction)
      if (transaction.end()) await unlock(leases)
    }
  }

  const store: Store<MemoryTx> = {
    ...real,
    capabilities: { ...real.capabilities, transactionalSettle: 'async' },
    async claim(request) {
      await shield()
      const leases = await real.claim(request)
      for (const { chunkId } of leases) deadlines.set(chunkId, clock.now() + request.leaseMs)
      return leases
    },
    async extend(items, leaseMs) {
      await locks.wait(items)
      const verdicts = await real.extend(items, leaseMs)
      for (const [at, { chunkId }] of items.entries())
        if (verdicts[at] === 'ok') deadlines.set(chunkId, clock.now() + leaseMs)
      return verdicts
    },
    async settle(items) {
      await locks.wait(items)
      return real.settle(items)
    },
    settleWithin,
  }
  return {
    store,
    get open() {
      return transactions.size
    },
    get lateEnds() {
      return lateEnds
    },
    breakConnections() {
      for (const transaction of [...transactions]) transaction.break()
    },
  }
}

class Transaction {
  readonly writes: BulkWrite[] = []
  readonly #onBreak: () => void
  readonly #onLateEnd: () => void
  #state: 'open' | 'broken' | 'ended' = 'open'

  constructor(onBreak: () => void, onLateEnd: () => void) {
    this.#onBreak = onBreak
    this.#onLateEnd = onLateEnd
  }

  scope(): SettleScope<unknown> {
    const tx: AsyncTx = {
      set: (table, key, row) => {
        const columns = ['key', ...Object.keys(row)]
        return this.#write({
          ...{ table, columns, key: ['key'], onConflict: 'update' },
          rows: [[key, ...Object.values(row)]],
        })
      },
    }
    return {
      tx,
      savepoint: ((work: () => unknown) => this.#savepoint(work)) as SettleScope<unknown>['savepoint'],
      write: (bulk) => this.#write(bulk),
    }
  }

  check(): void {
    if (this.#state === 'open') return
    throw this.#state === 'broken'
      ? new SpillwayError('store_unavailable', 'The connection broke.')
      : new SpillwayError('invalid_argument', 'The transaction has ended.')
  }

  break(): void {
    if (this.#state !== 'open') return
    this.#state = 'broken'
    this.#onBreak()
  }

  /** True when its locks are still to be given back. */
  end(): boolean {
    const wasOpen = this.#state === 'open'
    this.#state = 'ended'
    return wasOpen
  }

  async #write(bulk: BulkWrite): Promise<void> {
    this.check()
    await Promise.resolve()
    this.check()
    this.writes.push(bulk)
  }

  async #savepoint(work: () => unknown): Promise<unknown> {
    this.check()
    const mark = this.writes.length
    try {
      return await work()
    } catch (error) {
      this.writes.length = mark
      throw error
    } finally {
      if (this.#state === 'ended') this.#onLateEnd()
    }
  }
}

class Locks {
  readonly #locks = new Map<
    string,
    { readonly ref: LeaseRef; readonly free: () => void; readonly freed: Promise<void> }
  >()

  held(): LeaseRef[] {
    return [...this.#locks.values()].map(({ ref }) => ref)
  }

  async take(ref: LeaseRef): Promise<void> {
    await this.wait([ref])
    let free = (): void => {}
    const freed = new Promise<void>((resolve) => {
      free = resolve
    })
    this.#locks.set(ref.chunkId, { ref, free, freed })
  }

  async wait(refs: readonly LeaseRef[]): Promise<void> {
    for (const { chunkId } of refs) {
      for (let lock = this.#locks.get(chunkId); lock !== undefined; lock = this.#locks.get(chunkId))
        await lock.freed
    }
  }

  free({ chunkId }: LeaseRef): void {
    this.#locks.get(chunkId)?.free()
    this.#locks.delete(chunkId)
  }
}
