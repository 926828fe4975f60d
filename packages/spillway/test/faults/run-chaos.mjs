// `npm run chaos -- --cycles N`: the chaos test with as many faults as asked for, on each server.

import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const CYCLES = '200'
const SEED = '1'
const TEST = fileURLToPath(new URL('./chaos.test.ts', import.meta.url))

const { values } = parseArgs({
  options: {
    cycles: { type: 'string', default: CYCLES },
    seed: { type: 'string', default: SEED },
    /** `postgres` or `mariadb`; default both. */
    server: { type: 'string', default: '' },
  },
})
for (const name of /** @type {const} */ (['cycles', 'seed'])) {
  if (!/^[1-9][0-9]{0,6}$/.test(values[name])) {
    process.stderr.write(`--${name}: expected a whole number from 1, received ${values[name]}\n`)
    process.exit(2)
  }
}
const only = values.server === '' ? [] : ['-t', `on ${values.server}`]
const run = spawn('vitest', ['run', TEST, ...only], {
  stdio: 'inherit',
  env: { ...process.env, SPILLWAY_CHAOS_CYCLES: values.cycles, SPILLWAY_CHAOS_SEED: values.seed },
})
run.on('close', (code) => {
  process.exitCode = code ?? 1
})
