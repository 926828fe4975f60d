// The input of the main job: real clicks, as students' browsers would post them. The file has no event id and 87 of its
// rows repeat another one exactly, so the id is the row's place in the file, as a browser would number its own events.

import type { Click } from './clicks.js'
import { readGzipCsv } from './gzip-csv.js'

const CLICKS = new URL('../data/student_vle_100k.csv.gz', import.meta.url)
const COLUMNS = ['code_module', 'code_presentation', 'id_student', 'id_site', 'date', 'sum_click']

/** Clicks in all. */
export const CLICKS_MAX = 100_000

export function readClicks(limit = CLICKS_MAX): Click[] {
  return readGzipCsv(CLICKS, COLUMNS, limit).map((row, index) => {
    const [module, presentation, student, material, day, clicks] = row
    return {
      id: `c-${String(index + 1).padStart(6, '0')}`,
      course: `${module}-${presentation}`,
      student: Number(student),
      material: Number(material),
      day: Number(day),
      clicks: Number(clicks),
    }
  })
}
