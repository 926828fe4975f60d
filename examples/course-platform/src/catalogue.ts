// What the platform teaches. Reads outnumber everything else here, and courses change a few times a year: the listings
// are made once and answered from memory.

import { readGzipCsv } from './gzip-csv.js'

const MATERIALS = new URL('../data/vle.csv.gz', import.meta.url)
const COLUMNS = ['id_site', 'code_module', 'code_presentation', 'activity_type']

export interface Material {
  readonly id: number
  readonly activity: string
}

export interface Course {
  /** Module and presentation, `FFF-2013B`. */
  readonly code: string
  readonly materials: number
}

export interface Catalogue {
  courses(): readonly Course[]
  /** Null when there is no such course. */
  materials(code: string): readonly Material[] | null
}

export function loadCatalogue(): Catalogue {
  const materials = new Map<string, Material[]>()
  for (const [id, module, presentation, activity] of readGzipCsv(MATERIALS, COLUMNS)) {
    const code = `${module}-${presentation}`
    const list = materials.get(code) ?? []
    list.push({ id: Number(id), activity: activity as string })
    materials.set(code, list)
  }
  const courses = [...materials]
    .map(([code, list]) => ({ code, materials: list.length }))
    .sort((a, b) => (a.code < b.code ? -1 : 1))
  return {
    courses: () => courses,
    materials: (code) => materials.get(code) ?? null,
  }
}
