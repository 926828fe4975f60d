// A spool on a disk that is really full: full-disk.mjs <spool>. Fills it through a journal, then ships it, with a frame in front that nobody
// takes, and goes on writing. Prints what happened as one line of JSON.

import { built } from './built.mjs'

const { Agent } = /** @type {typeof import('../../../src/agent/index.js')} */ (await built('agent/index.js'))
const { encodeEnvelope } = /** @type {typeof import('../../../src/domain/index.js')} */ (
  await built('domain/index.js')
)
const { Journal, nodeFiles, nodeProcesses, watchFolder } =
  /** @type {typeof import('../../../src/journal/index.js')} */ (await built('journal/index.js'))
const { createChunkIds, systemClock, systemRandom } =
  /** @type {typeof import('../../../src/runtime/index.js')} */ (await built('runtime/index.js'))

const PAYLOAD_BYTES = 50_000
const SEGMENT_BYTES = 1024 * 1024
const FRAMES_MAX = 2_000
const ROOM_WITHIN_MS = 20_000

const [, , spool = ''] = process.argv
const keepAlive = setInterval(() => {}, 1_000)
const newChunkId = createChunkIds(systemClock, systemRandom)
const ports = { files: nodeFiles, processes: nodeProcesses, clock: systemClock }
const journal = await Journal.open({
  ...ports,
  folder: spool,
  level: 'synced',
  maxBytes: 1e12,
  minFreeBytes: 0,
  segmentBytes: SEGMENT_BYTES,
  newWriterId: newChunkId,
  telemetry: { record: () => {} },
})
/** @type {string[]} */
const acked = []
/** @type {unknown} */
let refusal = null
while (refusal === null && acked.length < FRAMES_MAX) refusal = await append()

const shipped = new Set()
/** @type {string[]} */
const refused = []
/** @type {import('../../../src/ports/index.js').Telemetry} */
const telemetry = {
  record(event) {
    if (event.event === 'agent.refused') refused.push(event.reason)
  },
}
/** @type {import('../../../src/agent/destination.js').Destination} */
const destination = {
  name: 'drain',
  batchFramesMax: 8,
  batchBytesMax: 1e9,
  batchesMax: 2,
  orderKeptBy: 'calls',
  ship: async (frames) =>
    frames.map(({ address }) => {
      if (address.id === acked[0]) return { status: 'refused', reason: 'nobody takes it' }
      shipped.add(address.id)
      return { status: 'shipped' }
    }),
}
const agent = new Agent({
  ...ports,
  spools: [{ folder: spool, route: () => destination }],
  watch: watchFolder,
  random: systemRandom,
  telemetry,
})
await agent.start({ wait: false })
await journal.room(AbortSignal.timeout(ROOM_WITHIN_MS))
const again = await append()
for (let waits = 0; shipped.size < acked.length - 1 && waits < 400; waits += 1) await systemClock.sleep(50)
await agent.stop()
await journal.close()
clearInterval(keepAlive)
const lost = acked.filter((id) => !shipped.has(id)).length
console.log(JSON.stringify({ acked: acked.length, refusal, again, lost, refused }))

/** Null when it was taken. */
async function append() {
  const id = newChunkId()
  const body = JSON.stringify(['x'.repeat(PAYLOAD_BYTES)])
  const address = { id, queue: 'main', type: 't', priority: 0, partition: null, size: 1 }
  const payload = encodeEnvelope({ ...address, codec: 'json', body, keys: null, parked: null })
  try {
    await journal.append([{ count: 1, payload }])
    acked.push(id)
    return null
  } catch (error) {
    return /** @type {{ code: unknown }} */ (error).code
  }
}
