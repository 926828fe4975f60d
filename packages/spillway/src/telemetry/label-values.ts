// Keeps the number of series finite. Every distinct label value is a series for ever, so a label takes a bounded number of
// values and counts the rest together.

/** Where values beyond the cap are counted. */
const OVERFLOW_LABEL = '_other'
/** Distinct values of one label, those known beforehand not counted. */
export const LABEL_VALUES_MAX = 200

export class LabelValues {
  readonly #values: Set<string>
  readonly #max: number

  /** `known` values (from the configuration) always keep their own series. */
  constructor(known: Iterable<string> = [], extraMax: number = LABEL_VALUES_MAX) {
    this.#values = new Set(known)
    this.#max = this.#values.size + extraMax
  }

  /** The value itself, or `_other` once the label has as many values as it may. */
  cap(value: string): string {
    if (this.#values.has(value)) return value
    if (this.#values.size >= this.#max) return OVERFLOW_LABEL
    this.#values.add(value)
    return value
  }
}

/** Of the series of one registry. */
export interface Labels {
  readonly queues: LabelValues
  readonly commands: LabelValues
  readonly spools: LabelValues
}
