import { describe, expect, it } from 'vitest'
import { rabbitmq } from './index.js'
import { settingsOf } from './options.js'

function serverOf(url: string) {
  return settingsOf(url, {}).servers[0]
}

describe('rabbitmq()', () => {
  it('makes a channel of a broker', () => {
    expect(rabbitmq('amqp://localhost', { credit: 7, publishesMax: 2 })).toMatchObject({
      ...{ kind: 'broker', envelope: 'chunk', credit: 7, publishesMax: 2, broker: { name: 'rabbitmq' } },
    })
  })

  it('reads a url as RabbitMQ defines it', () => {
    expect(serverOf('amqp://us%40er:p%2Fw%3A@host.example:1234/a%2Fb')).toEqual({
      ...{ protocol: 'amqp', hostname: 'host.example', port: 1234, vhost: 'a%2Fb' },
      ...{ username: 'us@er', password: 'p/w:' },
    })
  })

  it('knows the ports and the guest', () => {
    expect(serverOf('amqp://host')).toMatchObject({
      port: 5672,
      username: 'guest',
      password: 'guest',
      vhost: '',
    })
    expect(serverOf('amqps://[::1]')).toMatchObject({ protocol: 'amqps', port: 5671, hostname: '::1' })
  })

  it('takes the servers of a cluster, as a list or separated by commas', () => {
    const hosts = (url: string | string[]) => settingsOf(url, {}).servers.map(({ hostname }) => hostname)
    expect(hosts(['amqp://one', 'amqp://two'])).toEqual(['one', 'two'])
    expect(hosts('amqp://one, amqp://two')).toEqual(['one', 'two'])
  })

  it.each(
    [
      ['', undefined, null, [], 'host:5672', 'http://user:xyzzy@host', 'amqp://', 'amqp://user:xyzzy@'],
      [
        'amqp://user:open/xyzzy@host',
        'amqp://user:open#xyzzy@host',
        'amqp://user:%zz-xyzzy@host',
        'amqp://user:xyzzy@host:port',
      ],
    ].flat(),
  )('refuses the url %j without showing it', (url) => {
    const refusal = thrownBy(() => settingsOf(url as string, {}))
    expect(refusal).toMatchObject({ code: 'invalid_config' })
    expect(JSON.stringify([refusal, String(refusal)])).not.toContain('xyzzy')
  })

  it.each([
    { prefix: '' },
    { prefix: 'amq.x' },
    { prefix: 'with space' },
    { prefix: 'p'.repeat(101) },
    { publishTimeout: 0 },
    { connectTimeout: 'soon' as '1s' },
    { heartbeat: 500 },
    { reconnectDelay: 0 },
    { credit: 0 },
  ])('refuses %j and names the option', (options) => {
    const [name = ''] = Object.keys(options)
    expect(thrownBy(() => rabbitmq('amqp://host', options))).toMatchObject({
      ...{ code: 'invalid_config', message: expect.stringContaining(`rabbitmq.${name}`) },
    })
  })
})

function thrownBy(run: () => unknown): unknown {
  try {
    run()
  } catch (error) {
    return error
  }
  return null
}
