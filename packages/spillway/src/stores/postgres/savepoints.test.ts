import type { PoolClient } from 'pg'
import { requireServer } from 'spillway-test-bed'
import { describe, expect, it } from 'vitest'
import { complete, disposing, postgresRigs } from '../../../test/support/postgres-rig.js'
import { sessionOn } from '../../../test/support/postgres-session.js'
import type { BulkWrite, SettleScope } from '../../ports/index.js'
import { newSavepoints } from './savepoints.js'
import { newStatements } from './statements.js'

type Scope = SettleScope<PoolClient>

const STATEMENTS = newStatements('spillway', { prepare: true, queryTimeoutMs: 30_000 })

requireServer(describe, 'postgres')('savepoints', () => {
  const newRig = disposing(postgresRigs())

  /** A session in a transaction, with a table, and what was sent over it. */
  async function session() {
    const rig = await newRig()
    const client = (await sessionOn(rig)) as unknown as PoolClient
    await client.query('create temporary table effects (id text primary key)')
    await client.query('begin')
    const sent: string[] = []
    const borrowed = {
      query(statement: { readonly text: string }) {
        sent.push(statement.text)
        return client.query(statement)
      },
    } as unknown as PoolClient
    const savepoints = newSavepoints({ borrow: () => borrowed }, STATEMENTS)
    const write = async (id: string): Promise<void> => {
      const unsent = savepoints.takeUnsent()
      await client.query(`${unsent === null ? '' : `${unsent}; `}insert into effects values ('${id}')`)
    }
    const handlersWrite = async (id: string): Promise<void> => {
      await savepoints.beforeHandlers()
      await client.query(`insert into effects values ('${id}')`)
    }
    const effects = async () =>
      (await client.query<{ id: string }>('select id from effects order by id')).rows.map(({ id }) => id)
    return { savepoints, sent, write, handlersWrite, effects }
  }

  it('cost nothing around work that sends nothing, whether it comes to something or not', async () => {
    const { savepoints, sent } = await session()
    expect(await savepoints.around(async () => savepoints.around(async () => 'value'))).toBe('value')
    await expect(savepoints.around(() => Promise.reject(new Error('threw')))).rejects.toThrow('threw')
    expect([sent, savepoints.takeUnsent()]).toEqual([[], null])
  })

  it("travel with the store's own statements", async () => {
    const { savepoints, sent, write, effects } = await session()
    await savepoints.around(() => write('a'))
    const between = await savepoints.around(async () => savepoints.takeUnsent())
    expect(between).toBe('release spillway_0; savepoint spillway_0')
    expect([sent, savepoints.takeUnsent()]).toEqual([[], 'release spillway_0'])
    expect(await effects()).toEqual(['a'])
  })

  it('undo what was written inside, and nothing else', async () => {
    const { savepoints, sent, write, effects } = await session()
    await savepoints.around(() => write('kept'))
    const undone = savepoints.around(async () => {
      await savepoints.around(() => write('inside'))
      await write('kept')
    })
    await expect(undone).rejects.toMatchObject({ code: '23505', fault: 'data' })
    expect(sent).toEqual(['rollback to spillway_0; release spillway_0'])
    await savepoints.around(() => write('later'))
    expect(await effects()).toEqual(['kept', 'later'])
  })

  it('are awaited once a handler uses the connection, and so find out what it passed over', async () => {
    const { savepoints, sent, handlersWrite, effects } = await session()
    await savepoints.around(() => handlersWrite('a'))
    expect(sent.splice(0)).toEqual(['savepoint spillway_0', 'release spillway_0'])
    const passedOver = savepoints.around(async () => {
      await handlersWrite('b')
      await handlersWrite('a').catch(() => {})
    })
    await expect(passedOver).rejects.toMatchObject({ code: '25P02' })
    expect(await effects()).toEqual(['a'])
  })

  it('are set before the first of statements that a handler sends at once', async () => {
    const rig = await newRig()
    await rig.rows('create table @.effects (id text primary key)')
    const lease = await rig.lease()
    await rig.store.settleWithin([lease], async ({ tx, savepoint }: Scope) => {
      const undone = savepoint(async () => {
        const byCallback = new Promise<void>((resolve, reject) => {
          void tx.query(`insert into effects values ('c')`, (error: unknown) =>
            error ? reject(error) : resolve(),
          )
        })
        await Promise.all([tx.query(`insert into effects values ('a')`), byCallback])
        throw new Error('undo it')
      })
      await expect(undone).rejects.toThrow('undo it')
      await tx.query(`insert into effects values ('kept')`)
      return [complete(lease)]
    })
    expect(await rig.rows('select id from @.effects')).toEqual([{ id: 'kept' }])
  })

  it('keep what a bulk write did beside one that failed', async () => {
    const rig = await newRig()
    await rig.rows('create table @.effects (id text primary key, n integer)')
    const lease = await rig.lease()
    const bulk = (...rows: unknown[][]): BulkWrite => ({
      ...{ table: 'effects', columns: ['id', 'n'], key: ['id'], onConflict: 'update', rows },
    })
    await rig.store.settleWithin([lease], async ({ write, savepoint }: Scope) => {
      for (const id of ['a', 'b']) await savepoint(() => write(bulk([id, 1])))
      await expect(savepoint(() => write(bulk(['c', 'no number'])))).rejects.toMatchObject({ fault: 'data' })
      await savepoint(() => write(bulk(['a', 2], ['d', 1])))
      return [complete(lease)]
    })
    const rows = await rig.rows('select id, n from @.effects order by id')
    expect(rows.map(({ id, n }) => [id, n])).toEqual([
      ['a', 2],
      ['b', 1],
      ['d', 1],
    ])
  })
})
