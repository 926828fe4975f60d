// Making the tables, and what a store refuses to open on.

import { describe, expect, it, onTestFinished } from 'vitest'
import { bareDatabase, type MysqlDatabase, mysqlRig, TEST_OPTIONS } from '../../../test/support/mysql-rig.js'
import { mysql } from './index.js'
import { assertServer, type ServerFacts } from './server.js'

async function bare(): Promise<MysqlDatabase> {
  const database = await bareDatabase()
  onTestFinished(() => database.giveBack())
  return database
}

describe('migrating', () => {
  it('is asked for by a store that is opened on an empty database', async () => {
    const store = mysql((await bare()).url, TEST_OPTIONS)
    await expect(store.open()).rejects.toMatchObject({
      code: 'store_incompatible',
      message: expect.stringContaining('spillway migrate'),
    })
    expect(await store.schema.state()).toMatchObject({
      current: 0,
      pending: [{ name: 'foundation' }, { name: 'stages' }],
    })
  })

  it('shows SQL that makes the same tables when a person runs it', async () => {
    const database = await bare()
    const { pending } = await mysql(database.url, TEST_OPTIONS).schema.state()
    const sql = pending.map((migration) => migration.sql).join('\n')
    for (const statement of sql.split(/;\n\n?/).filter((part) => part.trim() !== '')) {
      await database.rows(statement)
    }
    const names = await database.rows('show tables')
    expect(names.length).toBeGreaterThan(12)
    expect(await mysql(database.url, TEST_OPTIONS).schema.state()).toMatchObject({ current: 2, pending: [] })
  })

  it('by several processes at once happens once', async () => {
    const { url, rows } = await bare()
    const states = await Promise.all([1, 2, 3].map(() => mysql(url, TEST_OPTIONS).schema.migrate()))
    expect(states.map(({ current, pending }) => [current, pending])).toEqual([
      [2, []],
      [2, []],
      [2, []],
    ])
    expect(await rows('select id from spillway_stops')).toEqual([{ id: 1 }])
  })

  it('goes on where a process died, even between a statement and the note that it was done', async () => {
    const { url, rows } = await bare()
    const store = mysql(url, TEST_OPTIONS)
    await store.schema.migrate()
    await rows('update spillway_migrations set applied_at = null, statements_done = 4')
    await rows('drop view spillway_commands')
    expect((await store.schema.state()).current).toBe(0)
    expect((await store.schema.migrate()).current).toBe(2)
    expect(await rows('select * from spillway_commands')).toEqual([])
  })

  it('is refused on a schema that a newer release made and this one cannot work with', async () => {
    const { url, rows } = await bare()
    const store = mysql(url, TEST_OPTIONS)
    await store.schema.migrate()
    await rows(
      "insert into spillway_migrations (version, name, serves_from, statements_done, applied_at) values (9, 'later', 9, 1, 1)",
    )
    await expect(store.open()).rejects.toMatchObject({ code: 'store_incompatible', details: { current: 9 } })
    await expect(store.schema.migrate()).rejects.toMatchObject({ code: 'store_incompatible' })
  })

  it('by a newer release leaves older ones at work, when it says that they can be', async () => {
    const { url, rows } = await bare()
    const store = mysql(url, TEST_OPTIONS)
    await store.schema.migrate()
    await rows(
      "insert into spillway_migrations (version, name, serves_from, statements_done, applied_at) values (3, 'later', 1, 1, 1)",
    )
    await store.open()
    onTestFinished(() => store.close())
    expect((await store.schema.migrate()).current).toBe(3)
    await store.probe()
  })
})

describe('a store that is opened', () => {
  it('twice is open once, and can be opened again after it was closed', async () => {
    const { store } = await mysqlRig()
    await store.open()
    await store.close()
    await store.close()
    await expect(store.probe()).rejects.toMatchObject({ code: 'closed' })
    await store.open()
    await store.probe()
  })

  it('says what is wrong when there is nobody, no such database, or a wrong password, and never the password', async () => {
    const { url } = (await mysqlRig()).database
    const nobody = new URL(url)
    nobody.port = '1'
    const missing = new URL(url)
    missing.pathname = '/spillway_no_such_database'
    const stranger = new URL(url)
    stranger.username = 'stranger'
    stranger.password = 'topsecret'
    const reasons: unknown[] = []
    for (const { href } of [nobody, missing, stranger]) {
      const error: unknown = await mysql(href, TEST_OPTIONS)
        .open()
        .catch((caught: unknown) => caught)
      expect(error).toMatchObject({ code: 'store_unavailable', retryable: true })
      expect(String(error) + JSON.stringify(error)).not.toContain('topsecret')
      reasons.push((error as { details: { reason: string } }).details.reason)
    }
    expect(reasons).toEqual(['connection', 'no_database', 'access_denied'])
  })

  it.each([
    ['no URL', 'localhost'],
    ['another database', 'postgres://user:topsecret@host/db'],
    ['no database', 'mysql://user:topsecret@host'],
    ['a password that is not encoded', 'mysql://user:topsecret%@host/db'],
    ['a password with a slash', 'mysql://user:1/topsecret@host/db'],
    ['nothing, as from a variable that is not set', undefined as unknown as string],
  ])('is not made from %s', (_, url) => {
    expect(() => mysql(url)).toThrow(/expected a URL of the form mysql:/)
    expect(() => mysql(url)).not.toThrow(/topsecret/)
  })

  it.each([{ poolSize: 0 }, { poolSize: Number.NaN }, { queryTimeout: -1 }, { acquireTimeout: 1e12 }])(
    'is not made with %o',
    (options) => {
      expect(() => mysql('mysql://u@h/db', options)).toThrow(/mysql\(\): expected/)
    },
  )

  it('says where it is without saying who it is there', () => {
    expect(mysql('mysql://user:topsecret@db.example/app').place).toBe('db.example:3306/app')
  })
})

describe('a server', () => {
  const good: ServerFacts = {
    ...{ version: '10.11.6-MariaDB', flushAtCommit: 1, binlog: 'off', syncBinlog: 0 },
    ...{ maxAllowedPacket: 16 * 1024 * 1024, engines: [], flushMethod: 'O_DIRECT', readOnly: false },
    ...{ connectionsMax: 151, userConnectionsMax: null, connectionsUsed: 3 },
  }
  const check = (facts: Partial<ServerFacts>, synchronous: 'full' | 'normal' = 'full') =>
    assertServer({ ...good, ...facts }, synchronous, 'h:3306/app')

  it.each([
    '10.6.0-MariaDB-log',
    '5.5.5-10.11.6-MariaDB',
    '11.4.2-MariaDB',
    '8.0.36',
    '8.4.0',
    '9.1.0-cloud',
  ])('of version %s will do', (version) => {
    expect(() => check({ version })).not.toThrow()
  })

  it.each(['10.5.9-MariaDB', '5.7.44', '5.5.5-10.4.1-MariaDB', ''])('of version %s is refused', (version) => {
    expect(() => check({ version })).toThrow(/Use MySQL 8.0 or later, or MariaDB 10.6 or later/)
  })

  it.each<[string, Partial<ServerFacts>]>([
    ['max_allowed_packet to 16M', { maxAllowedPacket: 4 * 1024 * 1024 }],
    ['binlog_format to ROW or MIXED', { binlog: 'STATEMENT' }],
    ['ENGINE = InnoDB', { engines: ['spillway_chunks (MyISAM)'] }],
    ['innodb_flush_log_at_trx_commit = 2', { flushAtCommit: 2 }],
    ['sync_binlog = 0', { binlog: 'ROW', syncBinlog: 0 }],
  ])('is refused, saying %s', (hint, facts) => {
    expect(() => check(facts)).toThrow(hint)
  })

  it("that may lose the last second in a crash is accepted with synchronous: 'normal'", () => {
    expect(() => check({ flushAtCommit: 0, binlog: 'ROW', syncBinlog: 0 }, 'normal')).not.toThrow()
    expect(() => check({ maxAllowedPacket: 1 }, 'normal')).toThrow()
  })
})
