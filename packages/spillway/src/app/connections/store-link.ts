// A store that this process can do without for a while: one that only takes commands, and hands them to the journal or a broker. It is
// opened in the background; until it is open, whoever asks it is told so.

import type { SpillwayError } from '../../errors/index.js'
import type { Clock, Random, Store, Telemetry } from '../../ports/index.js'
import { Opening } from './opening.js'

const CLOSE_GRACE_MS = 1_000

export interface StoreLinkOptions {
  readonly clock: Clock
  readonly random: Random
  readonly telemetry: Telemetry
}

/** `open()` resolves after the first try, whatever came of it. */
export function storeLink(store: Store, options: StoreLinkOptions): Store {
  const opening = new Opening({
    ...options,
    what: `the ${store.name} store`,
    code: 'store_unavailable',
    open: () => store.open(),
  })
  const whileOpen = <Part extends object>(part: Part): Part => guarded(part, () => opening.fault)
  const { append, appendSettled, claim, readyTenants, extend, settle, settleWithin, promote, prune, probe } =
    store
  return {
    name: store.name,
    // Some stores know what they can do only once they are open.
    get capabilities() {
      return store.capabilities
    },
    wake: store.wake,
    // Asking what is installed needs no open store, and installing it may be what it waits for.
    schema: store.schema,
    reader: whileOpen(store.reader),
    control: whileOpen(store.control),
    nodes: whileOpen(store.nodes),
    shared: whileOpen(store.shared),
    ...whileOpen({
      append,
      appendSettled,
      claim,
      readyTenants,
      extend,
      settle,
      settleWithin,
      promote,
      prune,
      probe,
    }),
    open: () => opening.start(),
    async close() {
      await opening.stop(CLOSE_GRACE_MS)
      if (opening.isStarted) await store.close()
    },
  }
}

/** The same methods, which reject while there is a fault. */
function guarded<Part extends object>(part: Part, fault: () => SpillwayError | null): Part {
  const methods = Object.entries(part) as [string, (...args: unknown[]) => Promise<unknown>][]
  const guardedMethods = methods.map(([name, method]) => [
    name,
    async (...args: unknown[]) => {
      const problem = fault()
      if (problem !== null) throw problem
      return method.apply(part, args)
    },
  ])
  return Object.fromEntries(guardedMethods) as Part
}
