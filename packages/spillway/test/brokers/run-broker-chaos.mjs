// `npm run chaos:brokers -- --cycles N`: the chaos over brokers with as many faults as asked for, on each of them.

import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const CYCLES = '100'
const SEED = '1'
const TEST = fileURLToPath(new URL('./broker-chaos.test.ts', import.meta.url))

const { values } = parseArgs({
  options: {
    cycles: { type: 'string', default: CYCLES },
    seed: { type: 'string', default: SEED },
    /** `rabbitmq`, `nats`, `kafka` or `redis`; default all. */
    broker: { type: 'string', default: '' },
  },
})
for (const name of /** @type {const} */ (['cycles', 'seed'])) {
  if (!/^[1-9][0-9]{0,6}$/.test(values[name])) {
    process.stderr.write(`--${name}: expected a whole number from 1, received ${values[name]}\n`)
    process.exit(2)
  }
}
const only = values.broker === '' ? [] : ['-t', `over ${values.broker}`]
const run = spawn('vitest', ['run', TEST, ...only], {
  stdio: 'inherit',
  env: { ...process.env, SPILLWAY_CHAOS_CYCLES: values.cycles, SPILLWAY_CHAOS_SEED: values.seed },
})
run.on('close', (code) => {
  process.exitCode = code ?? 1
})
