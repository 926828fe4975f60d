// One way to write a handler for stores whose transactions are synchronous and for stores whose are not: a generator that
// yields what may be a promise. It runs to the end at once as long as nothing yielded is one.

import type { SettleScope } from '../../ports/index.js'

/** A settlement's transaction, of whatever store. */
export type Scope = SettleScope<unknown>

type Steps<T> = Generator<unknown, T, unknown>

export function steps<T>(body: () => Steps<T>): T | Promise<T> {
  return advance(body(), () => undefined)
}

/** Throws what it is given into the steps, so that they can catch what a yielded promise rejected with. */
function advance<T>(body: Steps<T>, value: () => unknown): T | Promise<T> {
  let next = resume(body, value)
  while (next.done !== true) {
    const yielded = next.value
    if (yielded instanceof Promise) {
      return yielded.then(
        (result) => advance(body, () => result),
        (error) => advance(body, () => raise(error)),
      )
    }
    next = resume(body, () => yielded)
  }
  return next.value
}

function resume<T>(body: Steps<T>, value: () => unknown): IteratorResult<unknown, T> {
  let result: unknown
  try {
    result = value()
  } catch (error) {
    return body.throw(error)
  }
  return body.next(result)
}

function raise(error: unknown): never {
  throw error
}
