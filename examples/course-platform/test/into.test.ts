// The variant of the README: no handler at all, a sink for the clicks and a trigger for the counts.

import { createSpillway, defineCommand, into } from 'spillway'
import { sqlite } from 'spillway/sqlite'
import { expect, onTestFinished, test } from 'vitest'
import { type Click, clickInput } from '../src/clicks.js'
import { readClicks } from '../src/real-clicks.js'
import { openStorage } from '../src/storage/index.js'
import { openDatabase } from '../src/storage/sqlite/database.js'
import { isFaultless, verify } from '../src/verify.js'
import { temporaryFile } from './database.js'

const TRIGGER = `
  CREATE TRIGGER clicks_counted AFTER INSERT ON clicks BEGIN
    INSERT INTO course_views (course, records, views) VALUES (new.course, 1, new.clicks)
    ON CONFLICT (course) DO UPDATE SET records = records + 1, views = views + excluded.views;
  END;
`

const recordClick = defineCommand({
  name: 'click.record',
  input: clickInput,
  deduplicate: 'effect',
  handleBatch: into<Click>('clicks', { key: ['id'], onConflict: 'ignore' }),
})

test('into() and a trigger land every click once and count it once, repeats included', async () => {
  const file = temporaryFile()
  const { tables, close } = await openStorage(file)
  await tables.create()
  const database = openDatabase(file)
  database.exec(TRIGGER)
  database.close()
  const spillway = await createSpillway({ store: sqlite(file), commands: [recordClick] }, { migrate: true })
  onTestFinished(async () => {
    await spillway.close()
    await close()
  })
  const clicks = readClicks(1_000)
  await spillway.submitMany(recordClick, [...clicks, ...clicks.slice(0, 100)])
  await spillway.drain()
  expect(isFaultless(await verify(tables, clicks))).toBe(true)
})
