// A store on a real database within virtual time. Every call is work outside the clock, so the instant in which it was sent is
// not over before it has answered; a handler inside its transaction is back in virtual time, and its statements are outside
// again. So all calls happen one after the other, whatever the database needs for them, while transactions stay open beside
// them for as long as their handlers take.
//
// A call may then wait for a lock of a transaction whose handler sleeps until a later instant. The database says which calls
// do, and ends them as its own lock timeout would after real seconds; whoever sent one hears that the store was not available.

import type { SettleScope, Store } from '../../ports/index.js'
import { systemClock } from '../../runtime/index.js'
import type { AnyStore } from '../store-contract/index.js'
import type { VirtualClock } from '../virtual-clock.js'
import type { Locks } from './stores/simulated-store.js'

export interface OutsideOptions {
  readonly clock: Pick<VirtualClock, 'leave'>
  readonly locks?: Locks
  /** This call, or one of these, was ended while it waited for a lock. */
  readonly onLockWait: (calls: string) => void
}

type Method = (...args: never[]) => Promise<unknown>

export function outsideStore(store: AnyStore, options: OutsideOptions): Store {
  const calls = new Calls(options)
  const across = <Part extends object>(part: Part, prefix = ''): Part => {
    const methods = Object.entries(part).filter(([, member]) => typeof member === 'function')
    const wrapped = methods.map(([name, method]) => [
      name,
      (...args: never[]) => calls.run(`${prefix}${name}`, () => (method as Method).apply(part, args)),
    ])
    return { ...part, ...Object.fromEntries(wrapped) }
  }
  return {
    ...across(store),
    schema: across(store.schema, 'schema.'),
    reader: across(store.reader, 'reader.'),
    control: across(store.control, 'control.'),
    nodes: across(store.nodes, 'nodes.'),
    shared: across(store.shared, 'shared.'),
    settleWithin: (leases, work) =>
      calls.interactive('settleWithin', (inside) =>
        store.settleWithin(leases, (scope, valid) =>
          inside(() => work(isAsync(store) ? outsideScope(scope, calls) : scope, valid)),
        ),
      ),
  }
}

function isAsync({ capabilities }: AnyStore): boolean {
  return capabilities.transactionalSettle === 'async'
}

/** `tx` stays as it is: what a handler sends on it goes through `clock.outside` where it is sent. */
function outsideScope(scope: SettleScope<unknown>, calls: Calls): SettleScope<unknown> {
  const savepoint = (work: () => unknown): unknown =>
    calls.interactive('savepoint', async (inside) => scope.savepoint(() => inside(work)))
  return {
    get tx() {
      return scope.tx
    },
    savepoint: savepoint as SettleScope<unknown>['savepoint'],
    write: (bulk) => calls.run('write', async () => scope.write(bulk)),
  }
}

/** Runs a callback in virtual time. */
type Inside = <T>(work: () => T) => T

class Calls {
  readonly #options: OutsideOptions
  readonly #away = new Set<{ readonly what: string }>()
  /** Handlers that have a transaction now. */
  #open = 0
  #watching = false

  constructor(options: OutsideOptions) {
    this.#options = options
  }

  async run<T>(what: string, call: () => Promise<T>): Promise<T> {
    const back = this.#leave(what)
    try {
      return await call()
    } finally {
      back()
    }
  }

  /** A call that calls back. What it calls may never return; the call ends all the same if the store ends it. */
  async interactive<T>(what: string, call: (inside: Inside) => Promise<T>): Promise<T> {
    let back = this.#leave(what)
    let isOver = false
    const enter = (): void => {
      this.#open += 1
      back()
    }
    const leave = (): void => {
      this.#open -= 1
      if (!isOver) back = this.#leave(what)
    }
    const inside = <R>(work: () => R): R => {
      enter()
      const value = orLeave(work, leave)
      if (value instanceof Promise) return value.finally(leave) as R
      leave()
      return value
    }
    try {
      return await call(inside)
    } finally {
      isOver = true
      back()
    }
  }

  #leave(what: string): () => void {
    const stay = { what }
    this.#away.add(stay)
    void this.#watch()
    const back = this.#options.clock.leave(what)
    return () => {
      this.#away.delete(stay)
      back()
    }
  }

  /** Only transactions of handlers outlast a call, so whoever waits for a lock waits for one of them. */
  async #watch(): Promise<void> {
    const { locks } = this.#options
    if (this.#watching || locks === undefined || this.#open === 0) return
    this.#watching = true
    while (this.#away.size > 0) {
      await systemClock.sleep(locks.lookEveryMs)
      if (this.#away.size > 0) await this.#look(locks)
    }
    this.#watching = false
  }

  /** Outside as well, or the wait that it ends would be on record in a later instant. */
  async #look(locks: Locks): Promise<void> {
    const { clock, onLockWait } = this.#options
    const calls = [...this.#away].map(({ what }) => what)
    const back = clock.leave('looking for locks')
    try {
      if ((await locks.endWaits()) > 0) onLockWait(calls.join(', '))
    } finally {
      back()
    }
  }
}

/** The work's value; a throw ends the stay inside too. */
function orLeave<T>(work: () => T, leave: () => void): T {
  try {
    return work()
  } catch (error) {
    leave()
    throw error
  }
}
