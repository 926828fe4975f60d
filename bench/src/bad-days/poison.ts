// What one command that the database refuses costs the 999 others: statements, not time, because they are what grows.

import { missingServer, type PostgresServer, startPostgres } from 'spillway-test-bed'
import { runChild } from '../child.js'
import type { PoisonFigures, PoisonJob } from '../poison-process.js'
import type { Bench } from '../sections/section.js'

const COMMANDS = 1_000
/** First, last and in between: how deep a bisection goes depends on the place. */
const PLACES = [0, 333, 500, 637, 999]

export interface PoisonCost {
  readonly withoutStatements: number
  /** At the dearest place. */
  readonly withStatements: number
  /** Without those that only set, release or undo savepoints. */
  readonly extraStatements: number
  readonly extraSavepoints: number
}

/** Null where no PostgreSQL is installed. */
export async function poisonCost(bench: Bench): Promise<PoisonCost | null> {
  if (missingServer('postgres') !== null) return null
  bench.say('bad days: one poison row in a thousand')
  const server = await startPostgres()
  try {
    const without = await counted(server, null)
    let dearest = without
    for (const place of PLACES) {
      const found = await counted(server, place)
      const { landed, dead } = found
      if (landed !== COMMANDS - 1 || dead !== 1) throw new Error(`${landed} landed and ${dead} are dead`)
      if (found.statements > dearest.statements) dearest = found
    }
    return {
      withoutStatements: without.statements,
      withStatements: dearest.statements,
      extraStatements: working(dearest) - working(without),
      extraSavepoints: dearest.savepoints - without.savepoints,
    }
  } finally {
    await server.stop()
  }
}

function working({ statements, savepoints }: PoisonFigures): number {
  return statements - savepoints
}

async function counted(server: PostgresServer, poisonAt: number | null): Promise<PoisonFigures> {
  const { url } = await server.createDatabase()
  const job: PoisonJob = { url, commands: COMMANDS, poisonAt }
  return runChild<PoisonFigures>('./poison-process.js', job)
}
