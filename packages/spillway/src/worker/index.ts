export type { OwnAppends } from './claimer.js'
export { createExecutor } from './executor.js'
export { Worker } from './worker.js'
