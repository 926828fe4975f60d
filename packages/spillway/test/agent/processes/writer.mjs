// An application that writes a journal until it is killed: writer.mjs <spool>. It says what it is about to write, and what it was told is
// safe; a pipe takes a line at once, so that a kill loses none.

import { writeSync } from 'node:fs'
import { built } from './built.mjs'

const { encodeEnvelope } = /** @type {typeof import('../../../src/domain/index.js')} */ (
  await built('domain/index.js')
)
const { Journal, nodeFiles, nodeProcesses } = /** @type {typeof import('../../../src/journal/index.js')} */ (
  await built('journal/index.js')
)
const { createChunkIds, systemClock, systemRandom } =
  /** @type {typeof import('../../../src/runtime/index.js')} */ (await built('runtime/index.js'))

const CALLERS = 4
const COMMANDS_MAX = 3
/** Small, so that a kill may come while a segment is begun, sealed or removed. */
const SEGMENT_BYTES = 8 * 1024
const PAUSE_MS_MAX = 6

const [, , spool = ''] = process.argv
const newChunkId = createChunkIds(systemClock, systemRandom)
const journal = await Journal.open({
  folder: spool,
  level: 'synced',
  maxBytes: 1e9,
  minFreeBytes: 0,
  segmentBytes: SEGMENT_BYTES,
  files: nodeFiles,
  processes: nodeProcesses,
  clock: systemClock,
  newWriterId: newChunkId,
  telemetry: { record: (event) => void (event.event === 'fault' && say(`fault ${event.error}`)) },
})
const { writerId } = journal.state()
let written = 0
await Promise.all(Array.from({ length: CALLERS }, () => call()))

async function call() {
  for (;;) {
    const count = 1 + Math.floor(systemRandom() * COMMANDS_MAX)
    const id = newChunkId()
    const payloads = Array.from({ length: count }, () => ({ writer: writerId, n: written++ }))
    const body = JSON.stringify(payloads)
    say(`begun ${id} ${body}`)
    const address = { id, queue: 'main', type: 'click.record', priority: 0, partition: null, size: count }
    const payload = encodeEnvelope({ ...address, codec: 'json', body, keys: null, parked: null })
    await journal.append([{ count, payload }])
    say(`acked ${id}`)
    await systemClock.sleep(systemRandom() * PAUSE_MS_MAX)
  }
}

/** @param {string} line */
function say(line) {
  writeSync(1, `${line}\n`)
}
