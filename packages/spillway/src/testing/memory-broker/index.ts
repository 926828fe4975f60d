export { MemoryBroker } from './memory-broker.js'
export {
  type MemoryBrokerEvent,
  type MemoryBrokerOptions,
  MemoryBrokerServer,
} from './memory-broker-server.js'
