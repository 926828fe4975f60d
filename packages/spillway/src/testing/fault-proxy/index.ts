export type { CutKind } from './direction-faults.js'
export { type Direction, FaultProxy, type FaultProxyOptions, type Traffic } from './fault-proxy.js'
