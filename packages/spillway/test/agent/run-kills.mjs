// `npm run kills -- --cycles N`: the processes of a journal killed as often as asked for.

import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const TEST = fileURLToPath(new URL('./kills.test.ts', import.meta.url))

const { values } = parseArgs({
  options: { cycles: { type: 'string', default: '2000' }, seed: { type: 'string', default: '1' } },
})
for (const name of /** @type {const} */ (['cycles', 'seed'])) {
  if (!/^[1-9][0-9]{0,6}$/.test(values[name])) {
    process.stderr.write(`--${name}: expected a whole number from 1, received ${values[name]}\n`)
    process.exit(2)
  }
}
const run = spawn('vitest', ['run', TEST], {
  stdio: 'inherit',
  env: { ...process.env, SPILLWAY_KILLS_CYCLES: values.cycles, SPILLWAY_KILLS_SEED: values.seed },
})
run.on('close', (code) => {
  process.exitCode = code ?? 1
})
