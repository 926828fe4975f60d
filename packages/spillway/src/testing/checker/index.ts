export { checkHistory } from './check-history.js'
export type * from './history.js'
export type { Violation } from './violation.js'
