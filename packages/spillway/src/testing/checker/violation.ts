// One broken promise, with the sentence a person needs to see why.

export const CHECKED = [
  'I1',
  'I2',
  'I3',
  'I4',
  'I5',
  'I6',
  'I7',
  'I8',
  'I9',
  'I10',
  'I13',
  'I16',
  'I17',
  'I18',
  'I21',
] as const
export type Invariant = (typeof CHECKED)[number]

export interface Violation {
  readonly invariant: Invariant
  /** When it showed, by the store's clock. */
  readonly at: number
  /** The command, chunk or queue it is about. */
  readonly subject: string
  readonly message: string
}

/** Collects the violations of one invariant. */
export interface Findings {
  readonly list: readonly Violation[]
  add(at: number, subject: string, message: string): void
}

export function findings(invariant: Invariant): Findings {
  const list: Violation[] = []
  return {
    list,
    add(at, subject, message) {
      list.push({ invariant, at, subject, message })
    },
  }
}
