export const BROKER_NAMES = ['rabbitmq', 'nats', 'kafka', 'redis'] as const

export type BrokerName = (typeof BROKER_NAMES)[number]
