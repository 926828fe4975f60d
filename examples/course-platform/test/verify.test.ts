import { expect, onTestFinished, test } from 'vitest'
import { readClicks } from '../src/real-clicks.js'
import { openStorage } from '../src/storage/index.js'
import { openDatabase } from '../src/storage/sqlite/database.js'
import { verify } from '../src/verify.js'
import { temporaryFile } from './database.js'

const clicks = readClicks(200)
const [first] = clicks as [(typeof clicks)[number]]

async function recorded(some: readonly (typeof clicks)[number][]) {
  const file = temporaryFile()
  const { tables, close } = await openStorage(file)
  const database = openDatabase(file)
  onTestFinished(async () => {
    database.close()
    await close()
  })
  await tables.create()
  await tables.recordAlone(some)
  return { tables, database }
}

test('a click that is not there is lost', async () => {
  const { tables } = await recorded(clicks.slice(1))
  expect(await verify(tables, clicks)).toMatchObject({ landed: clicks.length - 1, lost: 1, wrong: 0 })
})

test('a row that differs from its click in one column is wrong', async () => {
  const { tables, database } = await recorded(clicks)
  database.prepare('UPDATE clicks SET day = day + 1 WHERE id = ?').run(first.id)
  expect(await verify(tables, clicks)).toMatchObject({ landed: clicks.length - 1, lost: 0, wrong: 1 })
})

test('a row that nobody sent is wrong', async () => {
  const { tables } = await recorded(clicks)
  expect(await verify(tables, clicks.slice(1))).toMatchObject({ landed: clicks.length - 1, wrong: 1 })
})

test('a click counted twice is a duplicate effect', async () => {
  const { tables, database } = await recorded(clicks)
  const addAgain = database.prepare(
    'UPDATE course_views SET records = records + 1, views = views + ? WHERE course = ?',
  )
  addAgain.run(first.clicks, first.course)
  expect(await verify(tables, clicks)).toMatchObject({
    landed: clicks.length,
    duplicateEffects: 1,
    missingEffects: 0,
  })
})

test('a wrong sum of views is found although the records are right', async () => {
  const { tables, database } = await recorded(clicks)
  database.prepare('UPDATE course_views SET views = views - 1 WHERE course = ?').run(first.course)
  expect(await verify(tables, clicks)).toMatchObject({ duplicateEffects: 0, missingEffects: 1 })
})
