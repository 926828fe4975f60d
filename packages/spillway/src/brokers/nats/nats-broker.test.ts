import { jetstreamManager, RetentionPolicy } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { type PrivateServer, requireServer, startNats } from 'spillway-test-bed'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Duration } from '../../config/index.js'
import { type BrokerUnderTest, brokerContract } from '../../testing/broker-contract/index.js'
import { FaultProxy } from '../../testing/fault-proxy/index.js'
import { nats } from './index.js'
import { namesOf } from './names.js'

requireServer(describe, 'nats', { isPrivate: true })('the NATS broker', () => {
  let server: PrivateServer
  let made = 0
  beforeAll(async () => {
    server = await startNats()
  })
  afterAll(() => server.stop())

  function make(ackWait: Duration): BrokerUnderTest {
    made += 1
    const prefix = `test-${made}`
    const names = namesOf(prefix)
    const on = (port: number, isHasty = false) =>
      nats(`nats://127.0.0.1:${port}`, {
        ...{ prefix, reconnectDelay: 50, ackWait },
        ...(isHasty ? { publishTimeout: '700ms', connectTimeout: '500ms' } : { connectTimeout: '20s' }),
      }).broker
    return {
      connect: ({ proxy, isHasty = false } = {}) => on(proxy?.port ?? server.port, isHasty),
      connectNowhere: () => on(1),
      spoil: (queue) =>
        withManager(server, async ({ streams }) => {
          await streams.add({
            ...{ name: prefix, subjects: [names.subject(queue)], retention: RetentionPolicy.Interest },
          })
        }),
      remove: () => withManager(server, async ({ streams }) => void (await streams.delete(prefix))),
      refused: (queue) =>
        withManager(server, async ({ streams }) => {
          const stream = await streams.get(names.refused)
          const { state } = await stream.info()
          const kept = []
          for (let seq = state.first_seq; seq <= state.last_seq && state.messages > 0; seq += 1) {
            const message = await stream.getMessage({ seq })
            if (message === null || message.subject !== names.refusedSubject(queue)) continue
            const { header, data } = message
            kept.push({
              id: header.get('Nats-Msg-Id'),
              reason: decodeURIComponent(header.get('spillway-reason')),
              body: data,
            })
          }
          return kept
        }),
      dispose: () =>
        withManager(server, async ({ streams }) => {
          for await (const { config } of streams.list())
            if (config.name === prefix || config.name.startsWith(`${prefix}-`))
              await streams.delete(config.name)
        }),
    }
  }

  brokerContract(
    {
      name: 'nats',
      make: async ({ isFaulty }) => make(isFaulty ? '1s' : '8s'),
      server: () => server,
      proxy: () => FaultProxy.listen({ port: server.port }),
    },
    { describe, it, expect },
  )
})

type Manager = Awaited<ReturnType<typeof jetstreamManager>>

async function withManager<Result>(
  server: PrivateServer,
  work: (manager: Manager) => Promise<Result>,
): Promise<Result> {
  const connection = await connect({ servers: server.url.slice('nats://'.length) })
  try {
    return await work(await jetstreamManager(connection))
  } finally {
    await connection.close()
  }
}
