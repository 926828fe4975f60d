// A try in a transaction of its own, where there is no settlement to share one with: on volatile channels. A handler that hangs
// loses its transaction, so that it holds no locks and no connection, but the try is over only when it has returned.

import { SpillwayError } from '../errors/index.js'
import type { Store } from '../ports/index.js'
import type { CallOptions } from './handler-call.js'
import { isPromise } from './promise.js'
import { type Enclosure, runTrial, runTrialSync, type Scope, undoably } from './run-trial.js'
import type { Call, Trial } from './trial.js'

export async function runInOwnTransaction(
  store: Pick<Store, 'capabilities' | 'settleWithin'>,
  call: Call,
  options: CallOptions,
): Promise<Trial> {
  if (store.capabilities.transactionalSettle === 'sync')
    return undoably(call, enclosureOf(store, null), (scope) => runTrialSync(call, scope, options.signal))
  const abandonment = newAbandonment()
  let handler: Promise<Trial> | null = null
  const onHung = (): void => {
    abandonment.abandon()
    options.onHung?.()
  }
  const trial = await undoably(call, enclosureOf(store, abandonment.promise), (scope: Scope) => {
    handler = runTrial(call, scope, { ...options, onHung })
    return handler
  })
  return abandonment.isAbandoned() && handler !== null ? handler : trial
}

function enclosureOf(store: Pick<Store, 'settleWithin'>, abandonment: Promise<never> | null): Enclosure {
  return (work) =>
    store.settleWithin([], (scope) => {
      const working = work(scope)
      if (!isPromise(working)) return []
      return Promise.race(abandonment === null ? [working] : [working, abandonment]).then(() => [])
    })
}

function newAbandonment() {
  let abandoned = false
  let reject: (error: unknown) => void = () => {}
  const promise = new Promise<never>((_, rejectPromise) => {
    reject = rejectPromise
  })
  promise.catch(() => undefined)
  return {
    promise,
    isAbandoned: () => abandoned,
    abandon: () => {
      abandoned = true
      reject(new SpillwayError('handler_timeout', 'the handler did not leave its transaction in time'))
    },
  }
}
