import { describe, expect, it } from 'vitest'
import { kafka } from './index.js'
import { type KafkaOptions, settingsOf } from './options.js'

describe('the url of a cluster', () => {
  it('names its brokers, with the port of Kafka where none is given', () => {
    const { brokers, tls, credentials } = settingsOf('kafka://one,two:1234, [::1]:9/', {})
    expect({ brokers, tls, credentials }).toEqual({
      ...{ brokers: ['one:9092', 'two:1234', '[::1]:9'], tls: null, credentials: null },
    })
  })

  it('may ask for TLS and say who we are', () => {
    const { tls, credentials } = settingsOf('kafkas://us%40here:s%3Acret@one:9093', { tls: { ca: 'x' } })
    expect({ tls, credentials }).toEqual({
      tls: { ca: 'x' },
      credentials: { mechanism: 'plain', username: 'us@here', password: 's:cret' },
    })
  })

  it.each([
    'http://one',
    'kafka://',
    'kafka://user:s3cret@',
    'kafka://user:s3cret@a b',
    'kafka://s3cret@a',
    '',
  ])('is refused as %j, without being shown', (url) => {
    expect(() => kafka(url)).toThrow('kafka(): expected a url of the form kafka://')
    expect(() => kafka(url)).not.toThrow('s3cret')
  })
})

describe('an option of the Kafka driver', () => {
  const mistakes: readonly [KafkaOptions, string][] = [
    [{ prefix: 'a_b' }, 'kafka.prefix'],
    [{ partitions: 0 }, 'kafka.partitions'],
    [{ replicas: 1.5 }, 'kafka.replicas'],
    [{ messageBytes: '1kb' }, 'kafka.messageBytes'],
    [{ session: 0 }, 'kafka.session'],
    [{ trim: 'no' as never }, 'kafka.trim'],
    [{ reach: 'there' as never }, 'kafka.reach'],
    [
      { credentials: { mechanism: 'magic' as never, username: 'a', password: 'b' } },
      'kafka.credentials.mechanism',
    ],
    [{ credentials: { mechanism: 'plain', username: '', password: 's3cret' } }, 'expected a username'],
  ]
  it.each(mistakes)('that cannot be is refused: %j', (options, message) => {
    expect(() => kafka('kafka://one', options)).toThrow(message)
    expect(() => kafka('kafka://one', options)).not.toThrow('s3cret')
  })

  it('has a default', () => {
    expect(settingsOf('kafka://one', {})).toMatchObject({
      ...{
        prefix: 'spillway.',
        partitions: 8,
        replicas: null,
        topicMessageBytes: 16 * 1024 * 1024,
        trims: true,
      },
      ...{ publishTimeoutMs: 10_000, sessionMs: 15_000 },
    })
  })
})
