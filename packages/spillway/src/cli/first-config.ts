// The text that `spillway init` writes. A test runs it.

export const FIRST_CONFIG = `// What this application asks Spillway to do. Run it with: npx spillway dev
import { defineCommand, defineConfig } from 'spillway'
import { sqlite } from 'spillway/sqlite'
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
  // Everything that was accepted and is not done yet is in this file.
  store: sqlite('./spillway.db'),
  commands: [sendGreeting],
  queues: {
    // How many handlers run at once, per process.
    default: { concurrency: 8 },
  },
})
`
