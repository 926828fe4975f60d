// What a handler can do with the connection it is given. Whatever it does: effects and settlement together, or neither.

import type { RowDataPacket } from 'mysql2/promise'
import { describe, expect, it } from 'vitest'
import { complete, type MysqlRig, mysqlRig } from '../../../test/support/mysql-rig.js'
import type { Lease, Settlement } from '../../domain/index.js'
import type { SettleScope } from '../../ports/index.js'
import type { MysqlTx } from './index.js'

type Scope = SettleScope<MysqlTx>
type Rig = MysqlRig & { readonly taken: Lease }

async function withClicks(): Promise<Rig> {
  const rig = await mysqlRig()
  await rig.rows('create table clicks (id varchar(50) primary key, n int not null)')
  return Object.assign(rig, { taken: await rig.lease() })
}

function insert({ tx }: Scope, id: string, n: number | null = 1): Promise<unknown> {
  return tx.query('insert into clicks values (?, ?)', [id, n])
}

function settling(
  lease: Lease,
  handler: (scope: Scope) => Promise<unknown>,
): (scope: Scope) => Promise<Settlement[]> {
  return async (scope) => {
    await handler(scope)
    return [complete(lease)]
  }
}

const ids = async ({ rows }: Rig): Promise<unknown[]> =>
  (await rows('select id from clicks order by id')).map(({ id }) => id)

async function expectUntouched(rig: Rig): Promise<void> {
  expect(await ids(rig)).toEqual([])
  expect(await rig.store.reader.accounting()).toMatchObject({ accepted: 1, running: 1 })
  expect(await rig.store.settle([complete(rig.taken)])).toEqual(['ok'])
}

describe('a handler with a transaction', () => {
  it('commits its effects together with the settlement', async () => {
    const rig = await withClicks()
    const work = settling(rig.taken, async (scope) => {
      await insert(scope, 'a')
      await scope.tx.execute('insert into clicks values (?, ?)', ['b', 2])
      expect(await ids(rig)).toEqual([])
    })
    expect(await rig.store.settleWithin([rig.taken], work)).toEqual(['ok'])
    expect(await ids(rig)).toEqual(['a', 'b'])
    expect(await rig.store.reader.accounting()).toMatchObject({ succeeded: 1, running: 0 })
  })

  it('gets back what it threw, and nothing happened', async () => {
    const rig = await withClicks()
    const thrown = new Error('no')
    const work = settling(rig.taken, async (scope) => {
      await insert(scope, 'a')
      throw thrown
    })
    await expect(rig.store.settleWithin([rig.taken], work)).rejects.toBe(thrown)
    await expectUntouched(rig)
  })

  it('learns how to treat an error of the database that it let through', async () => {
    const rig = await withClicks()
    const faults: [(scope: Scope) => Promise<unknown>, string][] = [
      [(scope) => insert(scope, 'a', null), 'data'],
      [({ tx }) => tx.query('select * from no_such_table'), 'schema'],
      [({ tx }) => tx.query("signal sqlstate '40001' set mysql_errno = 1213"), 'transient'],
    ]
    for (const [handler, fault] of faults) {
      await expect(rig.store.settleWithin([rig.taken], settling(rig.taken, handler))).rejects.toMatchObject({
        fault,
      })
      await expect(
        rig.store.settleWithin(
          [rig.taken],
          settling(rig.taken, (scope) => scope.savepoint(() => handler(scope))),
        ),
      ).rejects.toMatchObject({ fault })
    }
    await expectUntouched(rig)
  })

  it('undoes a part with a savepoint and keeps the rest', async () => {
    const rig = await withClicks()
    const work = settling(rig.taken, async (scope) => {
      await insert(scope, 'kept')
      await scope
        .savepoint(async () => {
          await insert(scope, 'outer')
          await scope.savepoint(() => insert(scope, 'inner'))
          await insert(scope, 'null', null)
        })
        .catch(() => {})
      await scope.savepoint(() => insert(scope, 'too'))
    })
    expect(await rig.store.settleWithin([rig.taken], work)).toEqual(['ok'])
    expect(await ids(rig)).toEqual(['kept', 'too'])
  })
})

describe('a handler that ends the transaction', () => {
  it.each(['rollback', 'rollback and chain', 'begin; rollback'])(
    'with %s is found out, and nothing happened',
    async (sql) => {
      const rig = await withClicks()
      const work = settling(rig.taken, async (scope) => {
        await insert(scope, 'a')
        for (const statement of sql.replace('begin; ', '').split('; ')) await scope.tx.query(statement)
        await insert(scope, 'b')
      })
      await expect(rig.store.settleWithin([rig.taken], work)).rejects.toMatchObject({
        ...{ code: 'invalid_argument', message: expect.stringContaining('COMMIT and ROLLBACK') },
      })
      await expectUntouched(rig)
    },
  )

  it.each([['commit'], ['commit', 'begin'], ['begin'], ['create table others (id int)']])(
    'with %s is found out before the settlement, and what it does afterwards is undone',
    async (...statements) => {
      const rig = await withClicks()
      const work = settling(rig.taken, async (scope) => {
        for (const sql of statements) await scope.tx.query(sql)
        await insert(scope, 'after')
      })
      await expect(rig.store.settleWithin([rig.taken], work)).rejects.toMatchObject({
        code: 'invalid_argument',
      })
      await expectUntouched(rig)
    },
  )

  it('by swallowing a deadlock is found out: the server has undone everything', async () => {
    const rig = await withClicks()
    await rig.rows("insert into clicks values ('x', 1), ('y', 1)")
    const other = await rig.connect()
    await other.beginTransaction()
    await other.query("update clicks set n = 2 where id = 'x'")
    // Heavier, so that the handler is the one that is undone.
    await other.query("insert into clicks select concat('row ', seq), 1 from seq_1_to_50")
    const work = settling(rig.taken, async (scope) => {
      await scope.tx.query("update clicks set n = 3 where id = 'y'")
      const waiting = other.query("update clicks set n = 2 where id = 'y'")
      await scope.tx.query("update clicks set n = 3 where id = 'x'").catch(() => {})
      await waiting
      await insert(scope, 'after')
    })
    await expect(rig.store.settleWithin([rig.taken], work)).rejects.toMatchObject({
      ...{ code: 'invalid_argument', message: expect.stringContaining('deadlock') },
    })
    await other.rollback()
    expect(await rig.rows('select * from clicks order by id')).toEqual([
      { id: 'x', n: 1 },
      { id: 'y', n: 1 },
    ])
    expect(await rig.store.reader.accounting()).toMatchObject({ running: 1 })
  })
})

describe('the connection of a handler', () => {
  it('refuses what is not for handlers, and says so', async () => {
    const rig = await withClicks()
    const work = settling(rig.taken, async ({ tx }) => {
      for (const name of [
        'commit',
        'rollback',
        'beginTransaction',
        'end',
        'destroy',
        'changeUser',
      ] as const) {
        expect(() => tx[name]).toThrow(`ctx.tx.${name} is not for handlers`)
      }
    })
    expect(await rig.store.settleWithin([rig.taken], work)).toEqual(['ok'])
  })

  it('takes values the way the driver does everywhere', async () => {
    const rig = await withClicks()
    const at = new Date('2026-01-02T03:04:05.678Z')
    const work = settling(rig.taken, async ({ tx }) => {
      await tx.query('insert into clicks set ?', { id: 'a?b', n: 7 })
      const [rows] = await tx.query<RowDataPacket[]>('select ? as at, "?" as mark, ?? from clicks', [
        at,
        'id',
      ])
      expect(rows).toEqual([{ at: '2026-01-02 03:04:05.678', mark: '?', id: 'a?b' }])
    })
    expect(await rig.store.settleWithin([rig.taken], work)).toEqual(['ok'])
  })

  it('takes one statement at a time', async () => {
    const rig = await withClicks()
    const work = settling(rig.taken, ({ tx }) => tx.query("select 1; insert into clicks values ('a', 1)"))
    await expect(rig.store.settleWithin([rig.taken], work)).rejects.toMatchObject({ errno: 1064 })
    await expectUntouched(rig)
  })

  it('is of no use any more once the handler has returned', async () => {
    const rig = await withClicks()
    let kept: MysqlTx | undefined
    const work = settling(rig.taken, async (scope) => {
      kept = scope.tx
      await insert(scope, 'a')
    })
    await rig.store.settleWithin([rig.taken], work)
    expect(() => kept?.query("insert into clicks values ('late', 1)")).toThrow(/over/)
    expect(await ids(rig)).toEqual(['a'])
  })

  it('still finishes what the handler did not wait for', async () => {
    const rig = await withClicks()
    const work = settling(rig.taken, async (scope) => void insert(scope, 'a'))
    expect(await rig.store.settleWithin([rig.taken], work)).toEqual(['ok'])
    expect(await ids(rig)).toEqual(['a'])
  })

  it('that is lost in the middle undoes everything and is replaced', async () => {
    const rig = await withClicks()
    const work = settling(rig.taken, async (scope) => {
      await insert(scope, 'a')
      const [rows] = await scope.tx.query<RowDataPacket[]>('select connection_id() as id')
      await rig.rows(`kill ${rows[0]?.id}`)
      await insert(scope, 'b')
    })
    await expect(rig.store.settleWithin([rig.taken], work)).rejects.toMatchObject({ fault: 'transient' })
    await expectUntouched(rig)
    const later = async (scope: Scope): Promise<Settlement[]> => {
      await insert(scope, 'c')
      return []
    }
    expect(await rig.store.settleWithin([], later)).toEqual([])
    expect(await ids(rig)).toEqual(['c'])
  })

  it('does not hand a mode that one handler set to the next', async () => {
    const rig = await withClicks()
    const second = await rig.lease()
    const mode = async ({ tx }: Scope): Promise<unknown> => {
      const [rows] = await tx.query<RowDataPacket[]>('select @@sql_mode as mode, @@autocommit as autocommit')
      return rows[0]
    }
    let before: unknown
    await rig.store.settleWithin(
      [rig.taken],
      settling(rig.taken, async (scope) => {
        before = await mode(scope)
        await scope.tx.query("set session sql_mode = ''")
      }),
    )
    const ending = settling(second, ({ tx }) => tx.query('set session autocommit = 1'))
    await expect(rig.store.settleWithin([second], ending)).rejects.toMatchObject({ code: 'invalid_argument' })
    await rig.store.settleWithin(
      [second],
      settling(second, async (scope) => expect(await mode(scope)).toEqual(before)),
    )
  })
})

describe('the leases of a handler', () => {
  it('are taken over by nobody while it works, even after their time', async () => {
    const rig = await withClicks()
    const work = settling(rig.taken, async (scope) => {
      await insert(scope, 'a')
      await rig.clock.advance(40_000)
      const leases = await rig.store.claim({
        ...{
          queue: 'main',
          types: ['work'],
          chunksMax: 9,
          commandsMax: 9,
          leaseMs: 1_000,
          workerId: 'thief',
        },
      })
      expect(leases).toEqual([])
    })
    expect(await rig.store.settleWithin([rig.taken], work)).toEqual(['ok'])
  })
})

describe('a handler that is given up while a statement of its runs', () => {
  it('lets go of its locks, and of the connection', async () => {
    const rig = await withClicks()
    await rig.rows("insert into clicks values ('x', 1)")
    const holder = await rig.connect()
    await holder.beginTransaction()
    await holder.query("update clicks set n = 2 where id = 'x'")
    const givenUp = new Error('given up')
    const work = async ({ tx }: Scope): Promise<Settlement[]> => {
      tx.query("update clicks set n = 3 where id = 'x'").catch(() => {})
      throw givenUp
    }
    await expect(rig.store.settleWithin([rig.taken], work)).rejects.toBe(givenUp)
    expect(await rig.store.settle([complete(rig.taken)])).toEqual(['ok'])
    await holder.commit()
    expect(await rig.rows('select n from clicks')).toEqual([{ n: 2 }])
  })
})
