import { describe, expect, it } from 'vitest'
import type { SettleScope } from '../../ports/index.js'
import { VirtualClock } from '../../testing/virtual-clock.js'
import { type MemoryTable, type MemoryTx, memory, rowKey, rowsOf } from './index.js'

const POISON = new Error('poison')

/** Runs `work` on a table in a transaction of its own. */
function within(
  store: ReturnType<typeof memory>,
  work: (table: MemoryTable, scope: SettleScope<MemoryTx>) => void,
) {
  return store.settleWithin([], (scope) => {
    work(scope.tx.table('views'), scope)
    return []
  })
}

describe("a handler's tables in memory", () => {
  it('work like a Map', async () => {
    const store = memory({ clock: new VirtualClock() })
    await within(store, (views) => {
      views.set('maths', { course: 'maths', count: 1 })
      views.set('physics', { course: 'physics', count: 2 })
      expect(views.get('maths')).toEqual({ course: 'maths', count: 1 })
      expect(views.get('chemistry')).toBe(undefined)
      expect([views.has('maths'), views.has('chemistry'), views.size]).toEqual([true, false, 2])
      expect(views.delete('maths')).toBe(true)
      expect(views.delete('maths')).toBe(false)
      expect(views.entries()).toEqual([['physics', { course: 'physics', count: 2 }]])
    })
    expect(rowsOf(store, 'views')).toEqual([{ course: 'physics', count: 2 }])
    expect(rowsOf(store, 'never written')).toEqual([])
  })

  it('are as before when the handler throws, whatever it did', async () => {
    const store = memory({ clock: new VirtualClock() })
    await within(store, (views) => {
      views.set('a', { n: 1 })
      views.set('b', { n: 1 })
    })
    const failing = within(store, (views) => {
      views.set('a', { n: 2 })
      views.delete('b')
      views.set('c', { n: 3 })
      views.set('a', { n: 4 })
      throw POISON
    })
    await expect(failing).rejects.toBe(POISON)
    await within(store, (views) => {
      expect(new Map(views.entries())).toEqual(
        new Map([
          ['a', { n: 1 }],
          ['b', { n: 1 }],
        ]),
      )
    })
  })

  it('lose what a savepoint wrote when it throws, and only that', async () => {
    const store = memory({ clock: new VirtualClock() })
    await within(store, (views, scope) => {
      views.set('kept', { n: 1 })
      const attempt = () =>
        scope.savepoint(() => {
          views.set('kept', { n: 2 })
          views.set('undone', { n: 2 })
          throw POISON
        })
      expect(attempt).toThrow(POISON)
    })
    expect(rowsOf(store, 'views')).toEqual([{ n: 1 }])
  })

  it('have what a bulk write wrote under the key of its key columns', async () => {
    const store = memory({ clock: new VirtualClock() })
    await within(store, (views, scope) => {
      const columns = ['id', 'day', 'clicks']
      const rows = [['x', 10n, 1]]
      void scope.write({ table: 'views', columns, key: ['id', 'day'], onConflict: 'update', rows })
      expect(views.get(rowKey('x', 10n))).toEqual({ id: 'x', day: 10n, clicks: 1 })
      expect(rowKey('x', 10n)).not.toBe(rowKey('x', '10n, '))
    })
  })

  it('keep the columns that an overwriting bulk write does not name', async () => {
    const store = memory({ clock: new VirtualClock() })
    await within(store, (views, scope) => {
      views.set(rowKey('x'), { id: 'x', clicks: 1, note: 'kept' })
      const columns = ['id', 'clicks']
      void scope.write({ table: 'views', columns, key: ['id'], onConflict: 'update', rows: [['x', 2]] })
    })
    expect(rowsOf(store, 'views')).toEqual([{ id: 'x', clicks: 2, note: 'kept' }])
  })

  it('refuse a bulk write without usable key columns, and undo what came before it', async () => {
    const store = memory({ clock: new VirtualClock() })
    for (const key of [[], ['other']]) {
      const writing = within(store, (views, scope) => {
        views.set('a', { n: 1 })
        void scope.write({ table: 'views', columns: ['id'], key, onConflict: 'ignore', rows: [['x']] })
      })
      await expect(writing).rejects.toMatchObject({ code: 'invalid_argument' })
    }
    expect(rowsOf(store, 'views')).toEqual([])
  })

  it('share nothing with what was written or read', async () => {
    const store = memory({ clock: new VirtualClock() })
    const row = { tags: ['a'] }
    await within(store, (views) => {
      views.set('x', row)
      row.tags.push('b')
      const read = views.get('x') as typeof row
      read.tags.push('c')
    })
    const [read] = rowsOf(store, 'views') as [typeof row]
    read.tags.push('d')
    expect(rowsOf(store, 'views')).toEqual([{ tags: ['a'] }])
  })

  it('cannot be used after the transaction ended', async () => {
    const store = memory({ clock: new VirtualClock() })
    const kept: { views?: MemoryTable; scope?: SettleScope<MemoryTx> } = {}
    await within(store, (views, scope) => {
      kept.views = views
      kept.scope = scope
    })
    const ended = expect.objectContaining({ code: 'invalid_argument' })
    expect(() => kept.views?.set('late', {})).toThrow(ended)
    expect(() => kept.views?.get('late')).toThrow(ended)
    expect(() => kept.scope?.savepoint(() => {})).toThrow(ended)
    expect(() => kept.scope?.tx.table('other')).toThrow(ended)
    expect(rowsOf(store, 'views')).toEqual([])
  })

  it('are asked of a memory store only', () => {
    const copy = { ...memory() }
    expect(() => rowsOf(copy, 'views')).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
  })
})
