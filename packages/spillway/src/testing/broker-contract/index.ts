export { brokerContract } from './broker-contract.js'
export type {
  BrokerHarness,
  BrokerTestApi,
  BrokerTraits,
  BrokerUnderTest,
  ConnectOptions,
  RefusedMessage,
  ServerControls,
} from './harness.js'
