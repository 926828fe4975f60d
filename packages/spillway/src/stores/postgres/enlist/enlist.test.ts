import pg from 'pg'
import { requireServer, sharedMariaDb, sharedPostgres, type TestDatabase } from 'spillway-test-bed'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ORDERS_TABLE, type TransactionLibrary } from '../../../../test/support/transactions/library.js'
import { MYSQL_LIBRARIES } from '../../../../test/support/transactions/mysql-libraries.js'
import { POSTGRES_LIBRARIES } from '../../../../test/support/transactions/postgres-libraries.js'
import { enlist, type Runner } from './index.js'

const within = async <T>(tx: unknown, work: (runner: Runner) => Promise<T>): Promise<T> =>
  work(await enlist(tx))

requireServer(describe, 'postgres')('enlisting in a transaction on PostgreSQL', () => {
  let database: TestDatabase
  let observer: pg.Client

  beforeAll(async () => {
    database = await (await sharedPostgres()).createDatabase()
    observer = new pg.Client(database.url)
    await observer.connect()
    await observer.query(ORDERS_TABLE)
    await observer.query('create table notes (note text)')
  })

  afterAll(async () => {
    await observer.end()
    await database.drop()
  })

  const notes = async (): Promise<string[]> => {
    const { rows } = await observer.query('delete from notes returning note')
    return rows.map(({ note }) => note as string).sort()
  }

  describe.each(Object.entries(POSTGRES_LIBRARIES))('of %s', (_, open) => {
    let library: TransactionLibrary
    const note = (tx: object, text: string) =>
      within(tx, (runner) => runner.run('insert into notes values ($1::text)', [text]))

    beforeAll(async () => {
      library = await open(database.url)
    })
    afterAll(() => library.close())

    it('commits with it', async () => {
      const result = await library.run(({ tx }) => note(tx, 'a'))
      expect(result).toEqual({ rows: [], affected: 1 })
      expect(await notes()).toEqual(['a'])
    })

    it('is rolled back with it', async () => {
      const rolledBack = library.run(async ({ tx }) => {
        await note(tx, 'a')
        throw new Error('changed my mind')
      })
      await expect(rolledBack).rejects.toThrow('changed my mind')
      expect(await notes()).toEqual([])
    })

    it('sends values of every kind and reads them back', async () => {
      const values = ['tä\u0001"\\', 1_234_567_890_123, ['a', 'b,"{}\\', null], [1, 2], true, null]
      const { rows } = await library.run(({ tx }) =>
        within(tx, (runner) =>
          runner.run(
            `select $1::text as one_text, ($2::bigint)::text as whole, to_json($3::text[])::text as texts,
               to_json($4::bigint[])::text as wholes, ($5::boolean)::text as truth, $6::text as nothing`,
            values,
          ),
        ),
      )
      expect(rows).toEqual([
        {
          one_text: values[0],
          whole: '1234567890123',
          texts: JSON.stringify(values[2]),
          wholes: '[1,2]',
          truth: 'true',
          nothing: null,
        },
      ])
    })

    it('hands on the SQLSTATE of what fails, and refuses what follows', async () => {
      const outcome = library.run(async ({ tx }) => {
        const failure = await note(tx, null as never).then(
          () => within(tx, (runner) => runner.run('insert into nowhere values (1)', [])),
          (error: unknown) => error,
        )
        return failure
      })
      await expect(outcome).rejects.toMatchObject({ code: '42P01' })
      const aborted = library.run(async ({ tx }) => {
        await within(tx, (runner) => runner.run('insert into nowhere values (1)', [])).catch(() => {})
        return note(tx, 'a')
      })
      await expect(aborted).rejects.toMatchObject({
        code: 'invalid_argument',
        message: expect.stringContaining('failed already'),
      })
      expect(await notes()).toEqual([])
    })

    it('refuses it once it has ended', async () => {
      const ended = await library.run(async ({ tx }) => tx)
      await expect(note(ended, 'a')).rejects.toMatchObject({ code: 'invalid_argument' })
      expect(await notes()).toEqual([])
    })

    it('refuses what is no transaction', async () => {
      for (const handle of Object.values(library.outside)) {
        await expect(note(handle, 'a')).rejects.toMatchObject({
          code: 'invalid_argument',
          message: expect.stringContaining('Pass a pg client after BEGIN'),
        })
      }
      expect(await notes()).toEqual([])
    })
  })

  it('refuses what it does not know', async () => {
    for (const tx of [null, 5, 'tx', {}, [], () => {}, { query: async () => 'done' }]) {
      await expect(within(tx, async () => {})).rejects.toMatchObject({ code: 'invalid_argument' })
    }
  })

  it('is not misled by a client that answers late', async () => {
    const client = new pg.Client(database.url)
    await client.connect()
    const begun = client.query('begin')
    await within(client, (runner) => runner.run("insert into notes values ('a')", []))
    await begun
    const committed = client.query('commit')
    const late = within(client, (runner) => runner.run("insert into notes values ('b')", []))
    await expect(late).rejects.toMatchObject({ code: 'invalid_argument' })
    await committed
    await client.end()
    expect(await notes()).toEqual(['a'])
  })

  requireServer(describe, 'mariadb')('given a transaction on MariaDB', () => {
    let other: TestDatabase
    beforeAll(async () => {
      other = await (await sharedMariaDb()).createDatabase()
    })
    afterAll(() => other.drop())

    it.each(Object.entries(MYSQL_LIBRARIES))('of %s refuses it', async (_, open) => {
      const library = await open(other.url)
      const refused = library.run(({ tx }) => within(tx, async () => {}))
      await expect(refused).rejects.toMatchObject({
        code: 'invalid_argument',
        message: expect.stringContaining('this store is on PostgreSQL'),
      })
      await library.close()
    })
  })
})
