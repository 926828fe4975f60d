// What a store finds out about its server for whoever looks after it: what `spillway doctor` shows. A store that has nothing to
// say has no such method.

import type { Store } from './store.js'

/** What one check found, and what to do about it. */
export interface Finding {
  readonly name: string
  readonly level: 'ok' | 'warn' | 'fail'
  /** Never with a password. */
  readonly detail: string
  /** What to do, unless all is well. */
  readonly advice?: string
}

export interface ExaminedStore<Tx = unknown> extends Store<Tx> {
  /**
   * Looks at the server and at the way to it; the store need not be open, and its schema need not be there. `now` tells the time of
   * this machine, in ms since the epoch, and is asked once the server has told its own. Rejects when the server cannot be reached at all.
   */
  examine(now: () => number): Promise<readonly Finding[]>
}

export function fine(name: string, detail: string): Finding {
  return { name, level: 'ok', detail }
}

export function warning(name: string, detail: string, advice: string): Finding {
  return { name, level: 'warn', detail, advice }
}

export function failure(name: string, detail: string, advice: string): Finding {
  return { name, level: 'fail', detail, advice }
}

/** A socket file, or an address that leads nowhere else. */
const THIS_MACHINE = /^(\/.*|localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i

/** Who could read along on the way to the server, passwords and payloads included. */
export function encryption(encrypted: boolean, host: string): Finding {
  if (encrypted) return fine('encryption', 'TLS')
  if (THIS_MACHINE.test(host)) return fine('encryption', 'none is needed on one machine')
  return warning(
    'encryption',
    'the connection is not encrypted',
    'Ask for TLS in the url, unless the network can be trusted: see TLS in docs/stores.md.',
  )
}
