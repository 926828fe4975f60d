// An agent that ships a spool to a SQLite store until it is killed: agent.mjs <spool> <database>. It says what it has shipped and what it
// found broken.

import { writeSync } from 'node:fs'
import { built } from './built.mjs'

const { Agent, createRoutes } = /** @type {typeof import('../../../src/agent/index.js')} */ (
  await built('agent/index.js')
)
const { nodeFiles, nodeProcesses, watchFolder } =
  /** @type {typeof import('../../../src/journal/index.js')} */ (await built('journal/index.js'))
const { systemClock, systemRandom } = /** @type {typeof import('../../../src/runtime/index.js')} */ (
  await built('runtime/index.js')
)
const { sqlite } = /** @type {typeof import('../../../src/stores/sqlite/index.js')} */ (
  await built('stores/sqlite/index.js')
)

const [, , spool = '', database = ''] = process.argv
const keepAlive = setInterval(() => {}, 1_000)
/** @type {import('../../../src/ports/index.js').Telemetry} */
const telemetry = {
  record(event) {
    if (event.event === 'agent.frames') say(`shipped ${event.commands}`)
    if (event.event === 'agent.damaged') say(`damaged ${event.kind}`)
    if (event.event === 'agent.refused') say(`refused ${event.reason}`)
    if (event.event === 'fault') say(`fault ${event.where}: ${event.error}`)
  },
}
const routes = createRoutes({ queues: [], store: sqlite(database), clock: systemClock, telemetry })
const agent = new Agent({
  spools: [{ folder: spool, route: routes.route }],
  files: nodeFiles,
  processes: nodeProcesses,
  watch: watchFolder,
  clock: systemClock,
  random: systemRandom,
  telemetry,
})
process.on('SIGTERM', async () => {
  await agent.stop()
  await routes.close()
  clearInterval(keepAlive)
})
await agent.start({ wait: true })

/** @param {string} line */
function say(line) {
  writeSync(1, `${line}\n`)
}
