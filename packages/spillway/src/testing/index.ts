export * from './broker-contract/index.js'
export {
  type CutKind,
  type Direction,
  FaultProxy,
  type FaultProxyOptions,
  type Traffic,
} from './fault-proxy/index.js'
export { seededRandom } from './seeded-random.js'
export * from './store-contract/index.js'
export { type Submitted, type TestOptions, TestSpillway, testSpillway } from './test-kit/index.js'
export { VirtualClock, type VirtualClockOptions } from './virtual-clock.js'
