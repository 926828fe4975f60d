// `npm run backlog -- --gigabytes N`: the agent in front of a backlog as long as asked for.

import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const TEST = fileURLToPath(new URL('./backlog.test.ts', import.meta.url))

const { values } = parseArgs({ options: { gigabytes: { type: 'string', default: '10' } } })
if (!(Number(values.gigabytes) > 0)) {
  process.stderr.write(`--gigabytes: expected a number above 0, received ${values.gigabytes}\n`)
  process.exit(2)
}
const run = spawn('vitest', ['run', TEST], {
  stdio: 'inherit',
  env: { ...process.env, SPILLWAY_BACKLOG_GIGABYTES: values.gigabytes },
})
run.on('close', (code) => {
  process.exitCode = code ?? 1
})
