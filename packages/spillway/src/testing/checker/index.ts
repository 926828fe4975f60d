export { checkHistory } from './check-history.js'
export type * from './history.js'
export { CHECKED, type Invariant, type Violation } from './violation.js'
