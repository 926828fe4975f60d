import { existsSync } from 'node:fs'
import { copyFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { sqliteRig, tempFolder } from '../../../test/support/sqlite-rig.js'
import { assertVersion } from './client.js'
import { loadSqlite, type SqliteClient, sqlite } from './index.js'
import { MIGRATIONS } from './migrations/index.js'

const LATEST = MIGRATIONS.length

describe('opening a SQLite store', () => {
  it('creates nothing: without a schema it says how to get one', async () => {
    const { store, path } = await sqliteRig({ state: 'nothing' })
    await expect(store.open()).rejects.toMatchObject({
      code: 'store_incompatible',
      message: expect.stringContaining('spillway migrate'),
      details: { path, current: 0, target: LATEST },
    })
    expect(existsSync(path)).toBe(false)
  })

  it('leaves a database of somebody else as it is', async () => {
    const path = join(await tempFolder(), 'other.db')
    const { DatabaseSync } = await loadSqlite()
    const other = new DatabaseSync(path)
    other.exec('create table clicks (id integer primary key)')
    other.close()
    const { store, rows } = await sqliteRig({ state: 'nothing', path })
    await expect(store.open()).rejects.toMatchObject({ code: 'store_incompatible' })
    expect(rows('pragma journal_mode')).toEqual([{ journal_mode: 'delete' }])
    expect(rows('select name from sqlite_schema')).toEqual([{ name: 'clicks' }])
  })

  it('refuses a schema made by a newer release, and so does migrating', async () => {
    const { store, connect } = await sqliteRig({ state: 'migrated' })
    connect().exec(`insert into spillway_migrations values (${LATEST + 1}, 'from the future', 0)`)
    const newer = {
      code: 'store_incompatible',
      message: expect.stringContaining('Update Spillway'),
      details: { current: LATEST + 1, target: LATEST },
    }
    await expect(store.open()).rejects.toMatchObject(newer)
    await expect(store.schema.migrate()).rejects.toMatchObject(newer)
    expect(await store.schema.state()).toEqual({ current: LATEST + 1, target: LATEST, pending: [] })
  })

  it('refuses a SQLite with the WAL-reset bug and says what to do', async () => {
    const { store } = await sqliteRig({ state: 'migrated', wrap: (client) => reporting(client, '3.51.2') })
      .then(() => undefined as never)
      .catch((error: unknown) => ({ store: error }))
    expect(store).toMatchObject({
      code: 'store_incompatible',
      message: expect.stringMatching(/3\.51\.2.*WAL-reset.*@photostructure\/sqlite/s),
    })
  })

  it.each(['3.51.3', '3.52.0', '3.60', '4.0.0'])('accepts SQLite %s', (version) => {
    expect(() => assertVersion(version)).not.toThrow()
  })

  it.each(['3.51.2', '3.50.9', '3.45', '2.99.99', ''])('does not accept SQLite %s', (version) => {
    expect(() => assertVersion(version)).toThrow(/WAL-reset/)
  })

  it('says when the file is something else', async () => {
    const path = join(await tempFolder(), 'notes.txt')
    await writeFile(path, 'not a database, but long enough to look like one. '.repeat(100))
    const { store } = await sqliteRig({ state: 'nothing', path })
    const unreadable = {
      code: 'store_unavailable',
      retryable: true,
      details: { reason: 'not_a_database', path },
    }
    await expect(store.open()).rejects.toMatchObject(unreadable)
    await expect(store.schema.migrate()).rejects.toMatchObject(unreadable)
  })

  it('says when the path cannot be opened', async () => {
    const { store } = await sqliteRig({ state: 'nothing', path: await tempFolder() })
    await expect(store.schema.migrate()).rejects.toMatchObject({
      code: 'store_unavailable',
      details: { reason: 'cannot_open' },
    })
  })

  it.each([':memory:', '', 'file:store.db?mode=memory'])(
    'refuses the path %j: connections could not share it',
    (path) => {
      expect(() => sqlite(path)).toThrow(/memory\(\)/)
    },
  )

  it.each([{ synchronous: 'off' }, { busyTimeout: -1 }, { busyTimeout: Number.NaN }])(
    'refuses the options %j',
    (options) => {
      expect(() => sqlite('store.db', options as never)).toThrow(/sqlite\(\): expected/)
    },
  )

  it('keeps the write-ahead log on and commits to the disk by default', async () => {
    const { own, rows } = await sqliteRig()
    expect(rows('pragma journal_mode')).toEqual([{ journal_mode: 'wal' }])
    expect(own.durable.prepare('pragma synchronous').get()).toEqual({ synchronous: 2 })
    expect(own.working.prepare('pragma synchronous').get()).toEqual({ synchronous: 1 })
  })

  it('has everything in the one file when it is closed', async () => {
    const { store, path, draft } = await sqliteRig()
    await store.append([draft()])
    await store.close()
    const copy = join(await tempFolder(), 'copy.db')
    await copyFile(path, copy)
    const restored = await sqliteRig({ state: 'nothing', path: copy })
    await restored.store.open()
    expect(await restored.store.reader.accounting()).toMatchObject({ accepted: 1, ready: 1 })
  })

  it('answers `closed` before open and after close', async () => {
    const { store, draft } = await sqliteRig({ state: 'migrated' })
    const closed = { code: 'closed', message: expect.stringContaining('open()') }
    await expect(store.append([draft()])).rejects.toMatchObject(closed)
    await store.open()
    await store.append([draft()])
    await store.close()
    await expect(store.append([draft()])).rejects.toMatchObject(closed)
    await expect(store.reader.accounting()).rejects.toMatchObject(closed)
  })
})

describe('migrating', () => {
  it('makes the folder of the file', async () => {
    const path = join(await tempFolder(), 'deep', 'deeper', 'store.db')
    const { store } = await sqliteRig({ state: 'nothing', path })
    expect(await store.schema.migrate()).toEqual({ current: LATEST, target: LATEST, pending: [] })
    expect(existsSync(path)).toBe(true)
  })

  it('shows its SQL first, and that SQL is all there is to it', async () => {
    const { store, connect } = await sqliteRig({ state: 'nothing' })
    const { pending } = await store.schema.state()
    const byHand = connect()
    for (const { sql } of pending) byHand.exec(sql)
    const shown = tablesOf(byHand)
    const migrated = await sqliteRig({ state: 'migrated' })
    expect(tablesOf(migrated.connect()).filter(({ name }) => name !== 'spillway_migrations')).toEqual(shown)
  })

  it('happens once, however many do it at the same time', async () => {
    const rigs = []
    const path = join(await tempFolder(), 'store.db')
    for (let n = 0; n < 4; n += 1) rigs.push(await sqliteRig({ state: 'nothing', path }))
    const states = await Promise.all(rigs.map(({ store }) => store.schema.migrate()))
    expect(states).toEqual(
      Array.from({ length: 4 }, () => ({ current: LATEST, target: LATEST, pending: [] })),
    )
    expect(rigs[0]?.rows('select version, name from spillway_migrations order by version')).toEqual(
      MIGRATIONS.map(({ version, name }) => ({ version, name })),
    )
  })
})

describe('choosing the client', () => {
  it('takes the npm twin where the built-in SQLite is absent or too old', async () => {
    const twin = await import('@photostructure/sqlite')
    expect(await loadSqlite({ node: '20.19.0' })).toBe(twin)
    expect(await loadSqlite({ node: '22.20.0', sqlite: '3.60.0' })).toBe(twin)
    expect(await loadSqlite({ node: '24.0.0', sqlite: '3.49.1' })).toBe(twin)
  })

  it('takes the built-in one from Node 24 on', async () => {
    const builtIn = process.getBuiltinModule('node:sqlite')
    expect(await loadSqlite({ node: '24.21.0', sqlite: '3.53.4' })).toBe(builtIn)
  })
})

function reporting(client: SqliteClient, version: string): SqliteClient {
  return {
    DatabaseSync: class extends client.DatabaseSync {
      override prepare(sql: string) {
        return super.prepare(sql.includes('sqlite_version()') ? `select '${version}' as version` : sql)
      }
    },
  }
}

function tablesOf(db: { prepare(sql: string): { all(): unknown[] } }): { name: string }[] {
  return db.prepare('select name, sql from sqlite_schema order by name').all() as { name: string }[]
}
