export { Deliveries } from './deliveries.js'
export { deliverySource } from './delivery-source.js'
export type { ForeignCommands } from './foreign-commands.js'
