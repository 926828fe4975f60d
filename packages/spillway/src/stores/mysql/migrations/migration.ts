// A migration as MySQL needs it: one statement after another, because each change of the schema commits by itself. A migration that
// a crash cut in two goes on where it stopped; the statement it stopped at may be executed a second time.

import type { Migration } from '../../../ports/index.js'

export interface StatementMigration {
  readonly version: number
  readonly name: string
  /** Oldest schema version whose releases can work with this one: they may run beside the new ones during a deployment. */
  readonly servesFrom: number
  readonly statements: readonly string[]
}

/** As the port and `--dry-run` show it. */
export function asMigration({ version, name, statements }: StatementMigration): Migration {
  // On a line of its own: a statement may end with a comment, which would swallow it.
  return { version, name, sql: statements.map((statement) => `${statement.trim()}\n;\n`).join('\n') }
}
