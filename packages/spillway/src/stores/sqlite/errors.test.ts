import { describe, expect, it } from 'vitest'
import { SpillwayError } from '../../errors/index.js'
import { onBehalfOfHandler, storeError } from './errors.js'
import { classifySqliteError } from './index.js'

function sqliteError(errcode: number): Error {
  return Object.assign(new Error('from SQLite'), { code: 'ERR_SQLITE_ERROR', errcode })
}

describe('errors of SQLite', () => {
  it.each([
    ['busy', 5],
    ['busy', 517],
    ['busy', 6],
    ['memory', 7],
    ['read_only', 8],
    ['read_only', 1032],
    ['interrupted', 9],
    ['io', 10],
    ['io', 1034],
    ['corrupt', 11],
    ['full', 13],
    ['cannot_open', 14],
    ['not_a_database', 26],
  ])('%s (%i): the store is unavailable', (reason, code) => {
    const cause = sqliteError(code)
    expect(classifySqliteError(cause)).toBe('transient')
    expect(storeError(cause, 'store.db')).toMatchObject({
      ...{ code: 'store_unavailable', retryable: true, cause },
      details: { reason, path: 'store.db' },
    })
  })

  it.each([1555, 2067, 275, 787, 1299, 3091, 18, 20])(
    'constraint, size or type (%i): the row is at fault',
    (code) => {
      expect(classifySqliteError(sqliteError(code))).toBe('data')
    },
  )

  it('anything else never works', () => {
    expect(classifySqliteError(sqliteError(1))).toBe('permanent')
    expect(storeError(sqliteError(1), 'store.db')).toMatchObject({ code: 'internal', retryable: false })
  })
})

describe('other errors', () => {
  it('pass through a store call as they are', () => {
    const error = new Error('mine')
    expect(storeError(error, 'store.db')).toBe(error)
    expect(classifySqliteError(error)).toBe('permanent')
  })

  it("of a handler are not the store's, even when SQLite made them", () => {
    const error = sqliteError(13)
    expect.assertions(1)
    try {
      onBehalfOfHandler(() => {
        throw error
      })
    } catch (thrown) {
      expect(storeError(thrown, 'store.db')).toBe(error)
    }
  })

  it('are transient when the store said so', () => {
    expect(classifySqliteError(new SpillwayError('store_unavailable', 'later'))).toBe('transient')
  })
})
