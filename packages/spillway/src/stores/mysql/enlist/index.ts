export { within } from './enlist.js'
export { assertStore, IDENTITY } from './identity.js'
export type { Runner, RunResult } from './runner.js'
