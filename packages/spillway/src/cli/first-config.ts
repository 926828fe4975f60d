// The text that `spillway init` writes, for each store it may be in. Tests run them.

export const FIRST_STORES = ['sqlite', 'postgres', 'mysql'] as const

export type FirstStore = (typeof FIRST_STORES)[number]

interface StoreLines {
  /** Packages to install beside spillway, for the store alone. */
  readonly driver: string | null
  readonly lines: string
}

export const STORE_LINES: Readonly<Record<FirstStore, StoreLines>> = {
  sqlite: {
    driver: null,
    lines: `  // Everything that was accepted and is not done yet is in this file.
  store: sqlite('./spillway.db'),`,
  },
  postgres: {
    driver: 'pg',
    lines: `  // Everything that was accepted and is not done yet is in this database, in a schema of its own.
  store: postgres(process.env.DATABASE_URL ?? 'postgres://postgres@localhost:5432/postgres'),`,
  },
  mysql: {
    driver: 'mysql2',
    lines: `  // Everything that was accepted and is not done yet is in this database, in tables that begin with spillway_.
  store: mysql(process.env.DATABASE_URL ?? 'mysql://root@localhost:3306/app'),`,
  },
}

export function firstConfig(store: FirstStore): string {
  return `// What this application asks Spillway to do. Run it with: npx spillway dev
import { defineCommand, defineConfig } from 'spillway'
import { ${store} } from 'spillway/${store}'
import { z } from 'zod' // or any other Standard Schema: npm install zod

export const sendGreeting = defineCommand({
  name: 'greeting.send',
  // What a payload must look like; anything else is refused at once.
  input: z.object({ to: z.string(), text: z.string().default('Hello') }),
  // A repeat with the same key is recognised and not run twice. Leave it out if every submit counts.
  // idempotencyKey: (greeting) => greeting.to,
  // What a throw costs: another attempt, until they are used up and the command is dead.
  retry: { attempts: 5, backoff: { delay: '1s', max: '10m' } },
  async handle(greeting, { id, attempt, signal }) {
    // Do the slow thing here: pass \`signal\` on, and \`id\` as its idempotency key.
    return { greeted: greeting.to, id, attempt, aborted: signal.aborted }
  },
})

export default defineConfig({
${STORE_LINES[store].lines}
  commands: [sendGreeting],
  queues: {
    // How many handlers run at once, per process.
    default: { concurrency: 8 },
  },
})
`
}
