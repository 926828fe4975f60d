// The connection as a handler has it: usable inside its transaction, and not after it. Ending the transaction is left to the
// settlement; when the handler ended it all the same, no further statement of its runs, because each would commit by itself.

import type { PoolClient } from 'pg'
import { SpillwayError } from '../../errors/index.js'

export interface HandlerClient {
  readonly tx: PoolClient
  /** The same for what the store writes on the handler's behalf; refuses where `tx` would. */
  readonly own: PoolClient
  /** The connection itself; throws where `tx` would refuse. */
  borrow(): PoolClient
  /** From now on nothing can be done through either: the connection is somebody else's. */
  revoke(): void
}

/** What transactionStatus says then. */
export const OUT_OF_TRANSACTION = 'I'

/** `before` is called for each statement of the handler's, which waits for what it answers. */
export function handlerClient(client: PoolClient, before: () => Promise<void> | null): HandlerClient {
  let revoked = false

  function refusal(): SpillwayError | null {
    if (revoked) return usedAfterwards()
    return transactionStatus(client) === OUT_OF_TRANSACTION ? endedByHandler() : null
  }

  /** The driver's `query` takes its arguments in many ways, and so does this. */
  function query(...args: unknown[]): unknown {
    const refused = refusal()
    if (refused === null) return (client.query as (...args: unknown[]) => unknown).apply(client, args)
    if (isSubmittable(args[0])) throw refused
    const callback = callbackOf(args)
    if (callback === undefined) return Promise.reject(refused)
    return callback(refused)
  }

  function handlersQuery(...args: unknown[]): unknown {
    const waiting = refusal() === null ? before() : null
    if (waiting === null) return query(...args)
    const callback = callbackOf(args)
    if (callback === undefined && !isSubmittable(args[0])) return waiting.then(() => query(...args))
    // The driver keeps the order by itself, and what could not be sent before fails this one too.
    waiting.catch(() => {})
    return query(...args)
  }

  return {
    tx: guarded(client, handlersQuery),
    own: guarded(client, query),
    borrow() {
      const refused = refusal()
      if (refused !== null) throw refused
      return client
    },
    revoke() {
      revoked = true
    },
  }
}

function guarded(client: PoolClient, query: (...args: unknown[]) => unknown): PoolClient {
  return new Proxy(client, {
    get(target, property) {
      if (property === 'query') return query
      if (property === 'release' || property === 'end') return refuseToEnd
      const value: unknown = Reflect.get(target, property, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

function callbackOf(args: readonly unknown[]): ((error: unknown) => unknown) | undefined {
  return args.find((argument) => typeof argument === 'function') as ((error: unknown) => unknown) | undefined
}

/** `I` outside a transaction, `T` inside, `E` inside one that failed; undefined where the driver does not tell. */
export function transactionStatus(client: object): unknown {
  if (!('getTransactionStatus' in client) || typeof client.getTransactionStatus !== 'function')
    return undefined
  return client.getTransactionStatus()
}

/** A cursor or a COPY stream, which the driver hands back as it is. */
function isSubmittable(query: unknown): boolean {
  return typeof query === 'object' && query !== null && 'submit' in query
}

export function endedByHandler(cause?: unknown): SpillwayError {
  return new SpillwayError(
    'invalid_argument',
    'The transaction ended before the handler did. Leave COMMIT and ROLLBACK on ctx.tx to the settlement; use savepoints to undo a part.',
    { cause },
  )
}

function usedAfterwards(): SpillwayError {
  return new SpillwayError(
    'invalid_argument',
    'ctx.tx was used after its handler returned. Await every query before the handler returns.',
  )
}

function refuseToEnd(): never {
  throw new SpillwayError(
    'invalid_argument',
    'ctx.tx belongs to the settlement: neither release nor end it; it goes back by itself when the handler returns.',
  )
}
