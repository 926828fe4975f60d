import { expect, test } from 'vitest'
import { countLanded, readViews, recordClicksInTransaction } from '../src/platform-tables.js'
import { readClicks } from '../src/real-clicks.js'
import { isFaultless, verify } from '../src/verify.js'
import { temporaryDatabase } from './database.js'

const clicks = readClicks(200)
const [first] = clicks as [(typeof clicks)[number]]

test('clicks land with their counts', () => {
  const database = temporaryDatabase()
  recordClicksInTransaction(database, clicks)
  const ofCourse = clicks.filter((click) => click.course === first.course)
  expect(readViews(database, first.course)).toEqual({
    course: first.course,
    records: ofCourse.length,
    views: ofCourse.reduce((sum, click) => sum + click.clicks, 0),
  })
  expect(countLanded(database)).toBe(clicks.length)
})

test('a repeated click neither lands nor counts again, within a batch or after it', () => {
  const database = temporaryDatabase()
  recordClicksInTransaction(database, [...clicks, ...clicks])
  recordClicksInTransaction(database, clicks)
  expect(isFaultless(verify(database, clicks))).toBe(true)
})

test('a batch that fails leaves neither clicks nor counts', () => {
  const database = temporaryDatabase()
  const broken = { ...first, id: 'c-broken', student: null as unknown as number }
  expect(() => recordClicksInTransaction(database, [...clicks, broken])).toThrow('NOT NULL')
  expect(countLanded(database)).toBe(0)
  expect(verify(database, clicks).lost).toBe(clicks.length)
})

test('a click that is not there is lost', () => {
  const database = temporaryDatabase()
  recordClicksInTransaction(database, clicks.slice(1))
  expect(verify(database, clicks)).toMatchObject({ landed: clicks.length - 1, lost: 1, wrong: 0 })
})

test('a row that differs from its click in one column is wrong', () => {
  const database = temporaryDatabase()
  recordClicksInTransaction(database, clicks)
  database.prepare('UPDATE clicks SET day = day + 1 WHERE id = ?').run(first.id)
  expect(verify(database, clicks)).toMatchObject({ landed: clicks.length - 1, lost: 0, wrong: 1 })
})

test('a row that nobody sent is wrong', () => {
  const database = temporaryDatabase()
  recordClicksInTransaction(database, clicks)
  expect(verify(database, clicks.slice(1))).toMatchObject({ landed: clicks.length - 1, wrong: 1 })
})

test('a click counted twice is a duplicate effect', () => {
  const database = temporaryDatabase()
  recordClicksInTransaction(database, clicks)
  const addAgain = database.prepare(
    'UPDATE course_views SET records = records + 1, views = views + ? WHERE course = ?',
  )
  addAgain.run(first.clicks, first.course)
  expect(verify(database, clicks)).toMatchObject({
    landed: clicks.length,
    duplicateEffects: 1,
    missingEffects: 0,
  })
})

test('a wrong sum of views is found although the records are right', () => {
  const database = temporaryDatabase()
  recordClicksInTransaction(database, clicks)
  database.prepare('UPDATE course_views SET views = views - 1 WHERE course = ?').run(first.course)
  expect(verify(database, clicks)).toMatchObject({ duplicateEffects: 0, missingEffects: 1 })
})
