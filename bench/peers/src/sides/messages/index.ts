export { kafkaMessages } from './kafka.js'
export { natsMessages } from './nats.js'
export { rabbitMqMessages } from './rabbitmq.js'
export { redisMessages } from './redis.js'
