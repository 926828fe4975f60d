import mysql from 'mysql2/promise'
import { requireServer, sharedMariaDb, sharedPostgres, type TestDatabase } from 'spillway-test-bed'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ORDERS_TABLE, type TransactionLibrary } from '../../../../test/support/transactions/library.js'
import { MYSQL_LIBRARIES } from '../../../../test/support/transactions/mysql-libraries.js'
import { POSTGRES_LIBRARIES } from '../../../../test/support/transactions/postgres-libraries.js'
import { text } from '../sql-text.js'
import { within } from './index.js'

const noteSql = (note: string): string => `insert into notes values (${text(note)})`

requireServer(describe, 'mariadb')('enlisting in a transaction on MariaDB', () => {
  let database: TestDatabase
  let observer: mysql.Connection

  beforeAll(async () => {
    database = await (await sharedMariaDb()).createDatabase()
    observer = await mysql.createConnection(database.url)
    await observer.query(ORDERS_TABLE)
    await observer.query('create table notes (note varchar(100) not null)')
  })

  afterAll(async () => {
    await observer.end()
    await database.drop()
  })

  const notes = async (): Promise<string[]> => {
    const [rows] = await observer.query<mysql.RowDataPacket[]>('select note from notes')
    await observer.query('delete from notes')
    return rows.map(({ note }) => note as string).sort()
  }

  describe.each(Object.entries(MYSQL_LIBRARIES))('of %s', (_, open) => {
    let library: TransactionLibrary
    const note = (tx: object, text: string) => within(tx, (runner) => runner.run(noteSql(text)))

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

    it('reads rows, whatever the caller has set for its own queries', async () => {
      const { rows } = await library.run(({ tx }) =>
        within(tx, (runner) =>
          runner.run(
            `select ${text('tä\u0001"\\\'?')} as one_text, cast(1234567890123 as char) as whole, null as nothing`,
          ),
        ),
      )
      expect(rows).toEqual([{ one_text: 'tä\u0001"\\\'?', whole: '1234567890123', nothing: null }])
    })

    it('undoes what was written before something failed, and the transaction goes on', async () => {
      const failure = await library.run(async ({ tx }) => {
        await note(tx, 'a')
        const failed = await within(tx, async (runner) => {
          await runner.run(noteSql('b'))
          await runner.run('insert into notes values (null)')
        }).catch((error: unknown) => error)
        await note(tx, 'c')
        return failed
      })
      expect(failure).toMatchObject({ errno: 1048 })
      expect(await notes()).toEqual(['a', 'c'])
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
          message: expect.stringContaining('Pass a mysql2 connection after BEGIN'),
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

  it('takes a session without autocommit, which is always in a transaction', async () => {
    const connection = await mysql.createConnection(database.url)
    await connection.query('set autocommit = 0')
    await within(connection, (runner) => runner.run(noteSql('a')))
    await connection.rollback()
    await connection.end()
    expect(await notes()).toEqual([])
  })

  it.each(['latin1', 'utf8mb4'])(
    'writes texts in a session with the charset %s and modes of its own',
    async (charset) => {
      const connection = await mysql.createConnection({ uri: database.url, charset })
      await connection.query("set session sql_mode = 'NO_BACKSLASH_ESCAPES,ANSI_QUOTES,PIPES_AS_CONCAT'")
      await connection.beginTransaction()
      await within(connection, (runner) => runner.run(noteSql('ä\\\'"😀')))
      await connection.commit()
      await connection.end()
      expect(await notes()).toEqual(['ä\\\'"😀'])
    },
  )

  requireServer(describe, 'postgres')('given a transaction on PostgreSQL', () => {
    let other: TestDatabase
    beforeAll(async () => {
      other = await (await sharedPostgres()).createDatabase()
    })
    afterAll(() => other.drop())

    it.each(Object.entries(POSTGRES_LIBRARIES))('of %s refuses it', async (_, open) => {
      const library = await open(other.url)
      const refused = library.run(({ tx }) => within(tx, async () => {}))
      await expect(refused).rejects.toMatchObject({
        code: 'invalid_argument',
        message: expect.stringContaining('this store is on MySQL'),
      })
      await library.close()
    })
  })
})
