export type { Cargo } from './cargo.js'
export { Deliveries } from './deliveries.js'
export { deliverySource } from './delivery-source.js'
export type { ForeignCommands } from './foreign-commands.js'
