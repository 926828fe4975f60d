export { createExecutor } from './executor.js'
export { Worker } from './worker.js'
