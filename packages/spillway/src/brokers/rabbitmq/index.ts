export type { RabbitMqOptions } from './options.js'
export { rabbitmq } from './rabbitmq.js'
