// Submits in one transaction follow each other, however many were started at once: they share a connection, which does one thing
// at a time, and the savepoint of one must not undo what another wrote.

export class TransactionTurns {
  /** The last turn of each transaction; it never rejects. */
  readonly #last = new WeakMap<object, Promise<void>>()

  take<T>(tx: object, turn: () => Promise<T>): Promise<T> {
    const before = this.#last.get(tx)
    const taken = before === undefined ? turn() : before.then(turn)
    this.#last.set(
      tx,
      taken.then(
        () => {},
        () => {},
      ),
    )
    return taken
  }
}
