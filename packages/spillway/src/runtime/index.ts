export { createChunkIds } from './chunk-ids.js'
export { holdProcess } from './hold-process.js'
export { systemClock } from './system-clock.js'
export { systemRandom } from './system-random.js'
