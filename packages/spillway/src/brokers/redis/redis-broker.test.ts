import { Redis } from 'ioredis'
import { type PrivateServer, requireServer, startRedis } from 'spillway-test-bed'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Duration } from '../../config/index.js'
import { type BrokerUnderTest, brokerContract } from '../../testing/broker-contract/index.js'
import { FaultProxy } from '../../testing/fault-proxy/index.js'
import { redis } from './index.js'
import { keysOf } from './names.js'

requireServer(describe, 'redis', { isPrivate: true })('the Redis broker', () => {
  let server: PrivateServer
  let made = 0
  beforeAll(async () => {
    server = await startRedis({ settings: { appendonly: 'yes', appendfsync: 'always' } })
  })
  afterAll(() => server.stop())

  function make(ackWait: Duration): BrokerUnderTest {
    made += 1
    const prefix = `test-${made}`
    const on = (port: number, isHasty = false) =>
      redis(`redis://127.0.0.1:${port}`, {
        ...{ prefix, publishTimeout: isHasty ? '700ms' : '20s', connectTimeout: isHasty ? '500ms' : '20s' },
        ...{ reconnectDelay: 50, ackWait },
      }).broker
    return {
      connect: ({ proxy, isHasty = false } = {}) => on(proxy?.port ?? server.port, isHasty),
      connectNowhere: () => on(1, true),
      spoil: (queue) =>
        withClient(
          server,
          async (client) => void (await client.set(keysOf(prefix, queue).messages, 'a text')),
        ),
      remove: (queue) =>
        withClient(server, async (client) => void (await client.del(keysOf(prefix, queue).messages))),
      refused: (queue) =>
        withClient(server, async (client) => {
          const entries = await client.xrangeBuffer(keysOf(prefix, queue).refused, '-', '+')
          return entries.map(([, fields]) => {
            const value = (name: string) =>
              fields[fields.findIndex((field) => field.toString() === name) + 1] as Buffer
            return { id: value('id').toString(), reason: value('reason').toString(), body: value('body') }
          })
        }),
      dispose: async () => {},
    }
  }

  brokerContract(
    {
      name: 'redis',
      make: async ({ isFaulty }) => make(isFaulty ? '1s' : '8s'),
      server: () => server,
      proxy: () => FaultProxy.listen({ port: server.port }),
    },
    { describe, it, expect },
  )
})

async function withClient<Result>(
  server: PrivateServer,
  work: (client: Redis) => Promise<Result>,
): Promise<Result> {
  const client = new Redis(server.url)
  try {
    return await work(client)
  } finally {
    client.disconnect()
  }
}
