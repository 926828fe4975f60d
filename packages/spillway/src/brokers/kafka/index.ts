export { kafka } from './kafka.js'
export type { KafkaCredentials, KafkaOptions } from './options.js'
