// The journal without the queue in front of it. It is no part of the package's interface, so it is taken from the build.

import { Journal, nodeFiles, nodeProcesses } from '../../../packages/spillway/dist/journal/index.js'
import { createChunkIds, systemClock, systemRandom } from '../../../packages/spillway/dist/runtime/index.js'

const MAX_BYTES = 10 * 1024 ** 3

export function openBareJournal(folder: string): Promise<Journal> {
  return Journal.open({
    ...{ folder, level: 'synced', maxBytes: MAX_BYTES, minFreeBytes: 0 },
    ...{ files: nodeFiles, processes: nodeProcesses, clock: systemClock },
    newWriterId: createChunkIds(systemClock, systemRandom),
    telemetry: { record() {} },
  })
}
