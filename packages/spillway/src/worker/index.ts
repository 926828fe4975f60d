export type { OwnAppends } from './claimer.js'
export type { ForeignCommands } from './deliveries/index.js'
export { createExecutor } from './executor.js'
export { Worker } from './worker.js'
