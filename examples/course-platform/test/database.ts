// A platform database in a temporary folder, gone with the test.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { openDatabase } from '../src/platform-database.js'
import { createPlatformTables } from '../src/platform-tables.js'

export function temporaryFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'course-platform-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'platform.db')
}

export function temporaryDatabase() {
  const database = openDatabase(temporaryFile())
  onTestFinished(() => database.close())
  createPlatformTables(database)
  return database
}
