import { expect, onTestFinished, test } from 'vitest'
import { readClicks } from '../src/real-clicks.js'
import { openStorage } from '../src/storage/index.js'
import { isFaultless, verify } from '../src/verify.js'
import { ENGINES, type TestEngine } from './database.js'

const clicks = readClicks(200)
const [first] = clicks as [(typeof clicks)[number]]

async function openTables(engine: TestEngine) {
  const { tables, close } = await openStorage(await engine.make())
  onTestFinished(close)
  await tables.create()
  return tables
}

for (const engine of ENGINES) {
  engine.describe(`the platform's tables in ${engine.name}`, () => {
    test('clicks land with their counts', async () => {
      const tables = await openTables(engine)
      await tables.recordAlone(clicks)
      const ofCourse = clicks.filter((click) => click.course === first.course)
      expect(await tables.viewsOf(first.course)).toEqual({
        course: first.course,
        records: ofCourse.length,
        views: ofCourse.reduce((sum, click) => sum + click.clicks, 0),
      })
      expect(await tables.countLanded()).toBe(clicks.length)
      expect(await tables.viewsOf('nowhere')).toBeNull()
    })

    test('a repeated click neither lands nor counts again, within a batch or after it', async () => {
      const tables = await openTables(engine)
      await tables.recordAlone([...clicks, ...clicks])
      await tables.recordAlone(clicks)
      expect(isFaultless(await verify(tables, clicks))).toBe(true)
    })

    test('the same clicks recorded by many at once count once', async () => {
      const tables = await openTables(engine)
      const some = clicks.slice(0, 20)
      await Promise.all(Array.from({ length: 5 }, () => tables.recordAlone(some)))
      expect(isFaultless(await verify(tables, some))).toBe(true)
    })

    test('a batch that fails leaves neither clicks nor counts', async () => {
      const tables = await openTables(engine)
      const broken = { ...first, id: 'c-broken', student: null as unknown as number }
      await expect(tables.recordAlone([...clicks, broken])).rejects.toThrow(/student/)
      expect(await tables.countLanded()).toBe(0)
      expect((await verify(tables, clicks)).lost).toBe(clicks.length)
    })

    test('tables made by many at once are made once', async () => {
      const location = await engine.make()
      const opened = await Promise.all(Array.from({ length: 4 }, () => openStorage(location)))
      onTestFinished(async () => {
        for (const { close } of opened) await close()
      })
      await Promise.all(opened.map(({ tables }) => tables.create()))
      expect(await opened[0]?.tables.clicks()).toEqual([])
    })
  })
}
