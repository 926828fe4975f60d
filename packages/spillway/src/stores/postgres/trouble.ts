// Why a database cannot do what it is asked for, of what `store_unavailable` is made.

export interface Trouble {
  /** For programs: it stays as it is. */
  readonly reason: string
  /** Goes on after the name of the database, and says what to do. */
  readonly message: string
}
