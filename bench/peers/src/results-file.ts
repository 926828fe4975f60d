// Every run leaves its figures as JSON, so that two versions can be compared without reading tables.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const RESULTS = fileURLToPath(new URL('../results', import.meta.url))

/** Returns the file's name, relative to this package's folder. */
export function writeResults(measuredAt: Date, json: string): string {
  mkdirSync(RESULTS, { recursive: true })
  const name = `${measuredAt.toISOString().replaceAll(':', '-').slice(0, 19)}.json`
  for (const file of [name, 'latest.json']) writeFileSync(join(RESULTS, file), json)
  return join('results', name)
}
