// Whether a value must be awaited. Handlers may return any thenable, not only the Promise of this realm.

export function isPromise<T>(value: T | PromiseLike<T>): value is Promise<T> & PromiseLike<T> {
  return (
    value instanceof Promise ||
    (typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function')
  )
}
