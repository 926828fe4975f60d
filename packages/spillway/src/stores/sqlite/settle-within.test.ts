// What a handler can do wrong with the connection it is given. Whatever it does: effects and settlement together, or neither.

import { describe, expect, it } from 'vitest'
import { complete, type SqliteRig, sqliteRig } from '../../../test/support/sqlite-rig.js'
import type { Lease, Settlement } from '../../domain/index.js'
import type { SettleScope } from '../../ports/index.js'
import type { SqliteTx } from './index.js'

type Scope = SettleScope<SqliteTx>

async function withClicks(): Promise<SqliteRig & { readonly taken: Lease }> {
  const rig = await sqliteRig()
  rig.connect().exec('create table clicks (id text primary key, n integer not null)')
  return Object.assign(rig, { taken: await rig.lease() })
}

function insert(scope: Scope, id: string, n: number | null = 1): void {
  scope.tx.prepare('insert into clicks values (?, ?)').run(id, n)
}

function settling(lease: Lease, handler: (scope: Scope) => void): (scope: Scope) => Settlement[] {
  return (scope) => {
    handler(scope)
    return [complete(lease)]
  }
}

async function expectUntouched({ store, rows, taken }: SqliteRig & { readonly taken: Lease }): Promise<void> {
  expect(rows('select id from clicks')).toEqual([])
  expect(await store.reader.accounting()).toMatchObject({ accepted: 1, running: 1 })
  expect(await store.settle([complete(taken)])).toEqual(['ok'])
}

describe('a handler that returns a promise', () => {
  it('is told why it must be synchronous, and nothing happened', async () => {
    const rig = await withClicks()
    const work = async (scope: Scope) => {
      insert(scope, 'a')
      return [complete(rig.taken)]
    }
    await expect(rig.store.settleWithin([rig.taken], work)).rejects.toMatchObject({
      code: 'sync_handler_required',
      message: expect.stringMatching(/one writer.*batched/s),
    })
    await expectUntouched(rig)
  })

  it('is told so inside a savepoint too', async () => {
    const rig = await withClicks()
    const work = settling(
      rig.taken,
      (scope) => void scope.savepoint(() => Promise.reject(new Error('later'))),
    )
    await expect(rig.store.settleWithin([rig.taken], work)).rejects.toMatchObject({
      code: 'sync_handler_required',
    })
    await expectUntouched(rig)
  })
})

describe('a handler that ends the transaction', () => {
  it.each(['rollback', 'rollback; begin'])(
    'with %s is found out, and the chunk is not settled',
    async (sql) => {
      const rig = await withClicks()
      const work = settling(rig.taken, (scope) => {
        insert(scope, 'a')
        scope.tx.exec(sql)
      })
      await expect(rig.store.settleWithin([rig.taken], work)).rejects.toMatchObject({
        code: 'invalid_argument',
        message: expect.stringContaining('COMMIT and ROLLBACK'),
      })
      await expectUntouched(rig)
    },
  )

  it.each(['commit', 'commit; begin immediate'])(
    'with %s is found out before the settlement',
    async (sql) => {
      const rig = await withClicks()
      const work = settling(rig.taken, (scope) => {
        insert(scope, 'a')
        scope.tx.exec(sql)
      })
      await expect(rig.store.settleWithin([rig.taken], work)).rejects.toMatchObject({
        code: 'invalid_argument',
      })
      expect(await rig.store.reader.accounting()).toMatchObject({ running: 1 })
      expect(await rig.store.settle([complete(rig.taken)])).toEqual(['ok'])
    },
  )

  it('cannot write through the scope afterwards: it would commit on its own', async () => {
    const rig = await withClicks()
    const bulk = {
      table: 'clicks',
      columns: ['id', 'n'],
      key: ['id'],
      onConflict: 'ignore',
      rows: [['a', 1]],
    } as const
    const work = settling(rig.taken, (scope) => {
      scope.tx.exec('rollback')
      expect(() => scope.write(bulk)).toThrow(/COMMIT and ROLLBACK/)
      expect(() => scope.savepoint(() => insert(scope, 'b'))).toThrow(/COMMIT and ROLLBACK/)
    })
    await expect(rig.store.settleWithin([rig.taken], work)).rejects.toMatchObject({
      code: 'invalid_argument',
    })
    await expectUntouched(rig)
  })

  it('is found out when it leaves one open after its call', async () => {
    const rig = await withClicks()
    let kept: SqliteTx | undefined
    await rig.store.settleWithin([], ({ tx }) => {
      kept = tx
      return []
    })
    kept?.exec('begin')
    await expect(rig.store.settleWithin([rig.taken], () => [])).rejects.toMatchObject({
      code: 'internal',
      message: expect.stringContaining('ctx.tx'),
    })
    kept?.exec('rollback')
    await expectUntouched(rig)
  })
})

describe('what a handler throws', () => {
  it('is rethrown as it is, and everything is undone', async () => {
    const rig = await withClicks()
    const error = new Error('no')
    const work = settling(rig.taken, (scope) => {
      insert(scope, 'a')
      throw error
    })
    await expect(rig.store.settleWithin([rig.taken], work)).rejects.toBe(error)
    await expectUntouched(rig)
  })

  it("says whose fault it is when it is SQLite's: the row's", async () => {
    const rig = await withClicks()
    const faults: unknown[] = []
    const work = settling(rig.taken, (scope) => {
      insert(scope, 'a')
      for (const [id, n] of [
        ['a', 1],
        ['b', null],
        ['c', 1],
      ] as const)
        faults.push(faultOf(scope, () => insert(scope, id, n)))
    })
    expect(await rig.store.settleWithin([rig.taken], work)).toEqual(['ok'])
    expect(faults).toEqual(['data', 'data', null])
    expect(rig.rows('select id from clicks')).toEqual([{ id: 'a' }, { id: 'c' }])
  })

  it('leaves it to the caller what an unknown table means', async () => {
    const rig = await withClicks()
    const work = settling(rig.taken, (scope) => {
      expect(faultOf(scope, () => void scope.tx.prepare('select * from nowhere'))).toBe(undefined)
    })
    expect(await rig.store.settleWithin([rig.taken], work)).toEqual(['ok'])
  })
})

describe('a disk that fills up under a handler', () => {
  it('makes the whole call fail, with no effect, even if the handler goes on', async () => {
    const rig = await withClicks()
    const { working } = rig.own
    const { page_count } = working.prepare('pragma page_count').get() as { page_count: number }
    working.exec(`pragma max_page_count = ${page_count}`)
    let fault: unknown
    const work = settling(rig.taken, (scope) => {
      insert(scope, 'small')
      fault = faultOf(scope, () => insert(scope, 'x'.repeat(500_000)))
      // SQLite rolled back by itself; these must not become commits of their own.
      expect(() => scope.savepoint(() => insert(scope, 'later'))).toThrow()
    })
    await expect(rig.store.settleWithin([rig.taken], work)).rejects.toMatchObject({
      code: 'store_unavailable',
      details: { reason: 'full' },
    })
    expect(fault).toBe('transient')
    working.exec('pragma max_page_count = 1000000')
    await expectUntouched(rig)
  })
})

describe('a disk that fills up under a bulk write', () => {
  it('is transient for whoever runs the handler, and fails the whole call', async () => {
    const rig = await withClicks()
    const { working } = rig.own
    const { page_count } = working.prepare('pragma page_count').get() as { page_count: number }
    working.exec(`pragma max_page_count = ${page_count}`)
    const rows = [['x'.repeat(500_000), 1]]
    const work = settling(rig.taken, (scope) => {
      const bulk = { table: 'clicks', columns: ['id', 'n'], key: ['id'], onConflict: 'ignore', rows } as const
      expect(faultOf(scope, () => void scope.write(bulk))).toBe('transient')
    })
    await expect(rig.store.settleWithin([rig.taken], work)).rejects.toMatchObject({
      code: 'store_unavailable',
      details: { reason: 'full' },
    })
    await expectUntouched(rig)
  })
})

describe('the store used inside a handler', () => {
  it('takes an append, on its own connection, when the handler is done', async () => {
    const rig = await withClicks()
    let append: Promise<unknown> | undefined
    const work = settling(rig.taken, (scope) => {
      insert(scope, 'a')
      append = rig.store.append([rig.draft()])
      append.catch(() => {})
    })
    expect(await rig.store.settleWithin([rig.taken], work)).toEqual(['ok'])
    await rig.clock.runUntilIdle()
    await append
    expect(await rig.store.reader.accounting()).toMatchObject({ accepted: 2, ready: 1, succeeded: 1 })
  })

  it('keeps an append that was made inside a handler which then fails', async () => {
    const rig = await withClicks()
    let append: Promise<unknown> | undefined
    const work = settling(rig.taken, () => {
      append = rig.store.append([rig.draft()])
      append.catch(() => {})
      throw new Error('no')
    })
    await expect(rig.store.settleWithin([rig.taken], work)).rejects.toThrow('no')
    await rig.clock.runUntilIdle()
    await append
    expect(await rig.store.reader.accounting()).toMatchObject({ accepted: 2, ready: 1, running: 1 })
  })

  it('reads what is committed, and claims when the handler is done', async () => {
    const rig = await withClicks()
    await rig.store.append([rig.draft()])
    const inside: Promise<unknown>[] = []
    const work = settling(rig.taken, () => {
      inside.push(rig.store.reader.accounting())
      const request = {
        queue: 'main',
        types: ['work'],
        chunksMax: 1,
        commandsMax: 1,
        leaseMs: 1_000,
        workerId: 'w',
      }
      inside.push(rig.store.claim(request))
    })
    expect(await rig.store.settleWithin([rig.taken], work)).toEqual(['ok'])
    expect(await Promise.all(inside)).toMatchObject([{ running: 1, ready: 1 }, [{ token: 1 }]])
  })
})

describe('savepoints', () => {
  it('undo only their own part, however deep', async () => {
    const rig = await withClicks()
    const work = settling(rig.taken, (scope) => {
      insert(scope, 'a')
      attempt(() =>
        scope.savepoint(() => {
          insert(scope, 'b')
          attempt(() => scope.savepoint(() => failing(scope, 'c')))
          scope.savepoint(() => insert(scope, 'd'))
        }),
      )
      attempt(() => scope.savepoint(() => failing(scope, 'e')))
    })
    expect(await rig.store.settleWithin([rig.taken], work)).toEqual(['ok'])
    expect(rig.rows('select id from clicks')).toEqual([{ id: 'a' }, { id: 'b' }, { id: 'd' }])
  })

  it('may be nested only so deep', async () => {
    const rig = await withClicks()
    const nest = (scope: Scope): void => scope.savepoint(() => nest(scope))
    await expect(rig.store.settleWithin([rig.taken], settling(rig.taken, nest))).rejects.toMatchObject({
      code: 'invalid_argument',
    })
    await expectUntouched(rig)
  })
})

function failing(scope: Scope, id: string): never {
  insert(scope, id)
  throw new Error('undo me')
}

function attempt(work: () => void): void {
  try {
    work()
  } catch {
    // The test is about what is left.
  }
}

/** Null when the work succeeded. */
function faultOf(scope: Scope, work: () => void): unknown {
  try {
    scope.savepoint(work)
    return null
  } catch (error) {
    return (error as { fault?: unknown }).fault
  }
}
