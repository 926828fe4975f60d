// What a store's author supplies to have the store contract checked, and what of a test runner the contract needs. Both are
// structural: Vitest, Jest and node:test with an `expect` fit, and nothing here imports any of them.

import type { Store } from '../../ports/index.js'

// biome-ignore lint/suspicious/noExplicitAny: the transaction's type belongs to the store; the contract only passes it on
export type AnyStore = Store<any>

/** One fresh, empty, migrated and open store in a namespace of its own, whose time only the test moves. */
export interface StoreUnderTest {
  readonly store: AnyStore
  /** The store's own clock, ms since the epoch. Stands still between calls of `advance`. */
  now(): number
  advance(ms: number): void | Promise<void>
  /** Makes a table for bulk writes, if the store needs one made. */
  createTable(table: TableShape): void | Promise<void>
  /** All rows of a table made by `createTable`, in any order. */
  readTable(table: string): Promise<readonly Readonly<Record<string, unknown>>[]>
  /**
   * Another open handle on the same data, as another process would have it; the harness closes it on dispose. Leave it out
   * when the data belongs to the one handle.
   */
  reopen?(): Promise<AnyStore>
  /** It drops expired keys many at once, and so some of them later than the first call that could. */
  readonly dropsKeysLate?: true
  dispose(): Promise<void>
}

export interface TableShape {
  readonly name: string
  readonly columns: Readonly<Record<string, 'text' | 'integer'>>
  /** Columns of the unique key. */
  readonly key: readonly string[]
}

export interface StoreHarness {
  readonly name: string
  make(): Promise<StoreUnderTest>
  /** A store on nothing: not migrated and not open. Leave it out when the store has no schema. */
  makeBare?(): Promise<StoreUnderTest>
}

export interface TestContext {
  skip(reason?: string): void
}

export interface Matchers {
  readonly not: Matchers
  toBe(expected: unknown): void
  toEqual(expected: unknown): void
  toMatchObject(expected: object | readonly unknown[]): void
  toHaveLength(expected: number): void
  toBeGreaterThan(expected: number): void
  toBeLessThan(expected: number): void
}

export interface TestApi {
  describe(name: string, body: () => void): void
  it(name: string, body: (context: TestContext) => Promise<void>): void
  expect(value: unknown, message?: string): Matchers
  /**
   * Runs the property over many sequences of choices (whole numbers from 0 to 65,535), and shrinks what fails if it can.
   * With fast-check: `(run) => fc.assert(fc.asyncProperty(fc.array(fc.nat(0xffff), { maxLength: 600, size: 'max' }), run))`.
   * Default: seeded sequences without shrinking.
   */
  readonly forAll?: ForAll
}

export type ForAll = (property: (choices: readonly number[]) => Promise<void>) => Promise<void>
