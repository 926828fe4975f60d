// An agent whose destination takes everything, or nothing: draining-agent.mjs <spool> <takes|refuses>. It says when it had the first frame in
// its hands, how much has arrived since, and how much memory it has needed.

import { readFileSync } from 'node:fs'
import { built } from './built.mjs'

const { Agent } = /** @type {typeof import('../../../src/agent/index.js')} */ (await built('agent/index.js'))
const { keepMemoryModest } = /** @type {typeof import('../../../src/cli/serve/modest-memory.js')} */ (
  await built('cli/serve/modest-memory.js')
)
const { nodeFiles, nodeProcesses, watchFolder } =
  /** @type {typeof import('../../../src/journal/index.js')} */ (await built('journal/index.js'))
const { systemClock, systemRandom } = /** @type {typeof import('../../../src/runtime/index.js')} */ (
  await built('runtime/index.js')
)

const [, , spool = '', mood] = process.argv
keepMemoryModest()
const REPORT_MS = 50
/** @type {Pick<import('../../../src/agent/destination.js').Destination, 'batchFramesMax' | 'batchBytesMax' | 'batchesMax' | 'orderKeptBy'>} */
const LIMITS = { batchFramesMax: 64, batchBytesMax: 1024 * 1024, batchesMax: 4, orderKeptBy: 'nothing' }
let commands = 0
/** @type {number | null} */
let firstAfterMs = null
/** @type {number | null} */
let firstAfterCpuMs = null
const startedAt = performance.now()
const startedCpuMs = cpuMs()
/** @type {import('../../../src/agent/destination.js').Destination} */
const destination = {
  name: 'drain',
  ...LIMITS,
  async ship(frames) {
    firstAfterMs ??= performance.now() - startedAt
    firstAfterCpuMs ??= cpuMs() - startedCpuMs
    await new Promise((resolve) => setImmediate(resolve))
    if (mood !== 'takes') return frames.map(() => ({ status: 'unknown', error: new Error('away') }))
    return frames.map(() => ({ status: 'shipped' }))
  },
}
const agent = new Agent({
  spools: [{ folder: spool, route: () => destination }],
  files: nodeFiles,
  processes: nodeProcesses,
  watch: watchFolder,
  clock: systemClock,
  random: systemRandom,
  telemetry: {
    record(event) {
      if (event.event === 'agent.frames' && event.outcome === 'shipped') commands += event.commands
    },
  },
})
await agent.start({ wait: false })
setInterval(() => {
  const peakKb = Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1])
  const report = { commands, firstAfterMs, firstAfterCpuMs, peakBytes: peakKb * 1024, cpuMs: cpuMs() }
  console.log(JSON.stringify(report))
}, REPORT_MS)

function cpuMs() {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}
