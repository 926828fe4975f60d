// A comparison is worth as much as the sameness of what is compared.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openDatabase } from '../database.js'
import { makeLoad } from '../measure.js'
import { rowOf } from '../watch-event.js'
import { SIDES, type SideName } from './index.js'

const EVENTS = 1_230

test.each(Object.keys(SIDES) as SideName[])('side %s lands exactly the rows of the load', async (name) => {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-bench-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'side.db')
  const side = await SIDES[name](file)
  const load = makeLoad(16, 0, EVENTS)
  const figures = await side.run(load)
  await side.close()

  const database = openDatabase(file)
  const rows = database.prepare('SELECT * FROM watch_events ORDER BY event_id').all() as object[]
  database.close()
  expect(rows.map((row) => Object.values(row))).toEqual(load.events.map(rowOf))
  expect(figures.landedPerSecond).toBeGreaterThan(0)
  expect(figures.ackP99Ms).toBeGreaterThanOrEqual(figures.ackP50Ms)
})

test('every side prepares the same table', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-bench-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const schemas: unknown[] = []
  for (const name of Object.keys(SIDES) as SideName[]) {
    const file = join(folder, `${name}.db`)
    await (await SIDES[name](file)).close()
    const database = openDatabase(file)
    schemas.push(
      database.prepare("SELECT sql FROM sqlite_schema WHERE tbl_name = 'watch_events' ORDER BY sql").all(),
    )
    database.close()
  }
  expect(schemas[1]).toEqual(schemas[0])
  expect(schemas[2]).toEqual(schemas[0])
})
