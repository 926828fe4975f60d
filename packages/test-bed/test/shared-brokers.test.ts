import { describe, expect, it } from 'vitest'
import { firstAnswer } from '../src/first-answer.js'
import { requireServer, sharedRabbitMq } from '../src/index.js'

/** Whoever asks first waits until it has started. */
const START_TIMEOUT_MS = 90_000

requireServer(describe, 'rabbitmq', { isPrivate: true })('the shared rabbitmq server', () => {
  it('is one, however often it is asked for, and answers', { timeout: START_TIMEOUT_MS }, async () => {
    const [first, second] = await Promise.all([sharedRabbitMq(), sharedRabbitMq()])
    expect(first).toBe(second)
    const greeting = await firstAnswer({ port: Number(new URL(first).port) }, 'AMQP\0\0\x09\x01')
    expect(greeting).toContain('RabbitMQ')
  })
})
