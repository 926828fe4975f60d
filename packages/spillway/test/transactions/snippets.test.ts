// docs/transactional-submit.md shows code that is run here, word for word.

import { readFile } from 'node:fs/promises'
import { requireServer, type TestDatabase } from 'spillway-test-bed'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSpillway, type Spillway } from '../../src/index.js'
import { connectPrismaPostgres } from '../support/transactions/prisma.js'
import { type Engine, MARIADB, type Observer, POSTGRES, prepareDatabase } from './engine.js'
import { openDrizzle } from './snippets/drizzle.js'
import { openKnex } from './snippets/knex.js'
import { openKysely } from './snippets/kysely.js'
import { openMysql2 } from './snippets/mysql2.js'
import { type OpenSnippet, shipOrder } from './snippets/order.js'
import { openPg } from './snippets/pg.js'
import { openPrisma } from './snippets/prisma.js'

const ON_POSTGRES: Readonly<Record<string, OpenSnippet>> = {
  pg: openPg,
  kysely: openKysely,
  drizzle: openDrizzle,
  knex: openKnex,
  ...(connectPrismaPostgres === null ? {} : { prisma: openPrisma(connectPrismaPostgres) }),
}
const ON_MARIADB: Readonly<Record<string, OpenSnippet>> = { mysql2: openMysql2 }

const DOCS = new URL('../../../../docs/transactional-submit.md', import.meta.url)

function runs(engine: Engine, snippets: Readonly<Record<string, OpenSnippet>>): void {
  requireServer(describe, engine.server)(`the documented code on ${engine.name}`, () => {
    let database: TestDatabase
    let observer: Observer
    let spillway: Spillway

    beforeAll(async () => {
      ;({ database, observer } = await prepareDatabase(engine))
      spillway = await createSpillway(
        { store: engine.storeAt(database.url), commands: [shipOrder] },
        { roles: ['intake'], migrate: true, logs: 'silent' },
      )
    })
    afterAll(async () => {
      await spillway?.close()
      await observer?.close()
      await database?.drop()
    })

    it.each(Object.keys(snippets))('for %s writes both, or neither', async (name) => {
      const snippet = (snippets[name] as OpenSnippet)(database.url)
      const id = Object.keys(snippets).indexOf(name) + 1
      const accepted = async () => (await spillway.accounting()).accepted
      const before = await accepted()
      await snippet.place(spillway, { id })
      expect(await accepted()).toBe(before + 1)
      expect(await observer.query(`select id from orders where id = ${id}`)).toHaveLength(1)
      await observer.query(`delete from orders where id = ${id}`)
      await spillway.submit(shipOrder, { id: id + 100 }, { key: `order ${id + 200}` })
      const conflicting = snippet.place(spillway, { id: id + 200 })
      await expect(conflicting).rejects.toMatchObject({ code: 'idempotency_conflict' })
      expect(await observer.query(`select id from orders where id = ${id + 200}`)).toEqual([])
      await snippet.close()
    })
  })
}

runs(POSTGRES, ON_POSTGRES)
runs(MARIADB, ON_MARIADB)

it.each(['pg', 'kysely', 'drizzle', 'knex', 'prisma', 'mysql2'])(
  'the docs show the code for %s',
  async (name) => {
    const source = await readFile(new URL(`./snippets/${name}.ts`, import.meta.url), 'utf8')
    const docs = await readFile(DOCS, 'utf8')
    const shown = docs.split(`<!-- snippet: ${name} -->\n\`\`\`ts\n`)[1]?.split('\n```')[0]
    expect(shown).toBe(regionOf(source))
  },
)

function regionOf(source: string): string {
  const lines = source.split('\n')
  const first = lines.findIndex((line) => line.includes('// #region'))
  const last = lines.findIndex((line) => line.includes('// #endregion'))
  const indent = /^ */.exec(lines[first] ?? '')?.[0].length ?? 0
  return lines
    .slice(first + 1, last)
    .map((line) => line.slice(indent))
    .join('\n')
}
