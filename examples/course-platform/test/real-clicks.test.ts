import { expect, test } from 'vitest'
import { loadCatalogue } from '../src/catalogue.js'
import { clickInput } from '../src/clicks.js'
import { readGzipCsv } from '../src/gzip-csv.js'
import { CLICKS_MAX, readClicks } from '../src/real-clicks.js'

const clicks = readClicks()

test('every click of the file is read, with an id of its own', () => {
  expect(clicks).toHaveLength(CLICKS_MAX)
  expect(new Set(clicks.map((click) => click.id)).size).toBe(CLICKS_MAX)
})

test('rows that repeat another one exactly stay clicks of their own', () => {
  const contents = new Set(clicks.map(({ id: _, ...content }) => JSON.stringify(content)))
  expect(CLICKS_MAX - contents.size).toBe(87)
})

test('every click is a valid command', () => {
  expect(clicks.filter((click) => !clickInput.safeParse(click).success)).toEqual([])
})

test('every click is on a material of its course in the catalogue', () => {
  const catalogue = loadCatalogue()
  const known = new Set(
    catalogue
      .courses()
      .flatMap(({ code }) => catalogue.materials(code)?.map(({ id }) => `${code} ${id}`) ?? []),
  )
  expect(clicks.filter((click) => !known.has(`${click.course} ${click.material}`))).toEqual([])
})

test('a file with other columns is refused by name', () => {
  const file = new URL('../data/vle.csv.gz', import.meta.url)
  expect(() => readGzipCsv(file, ['a', 'b'])).toThrow('expected the columns a,b, found id_site,code_module')
})
