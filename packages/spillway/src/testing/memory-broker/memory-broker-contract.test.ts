import { describe, expect, it } from 'vitest'
import { systemClock } from '../../runtime/index.js'
import { brokerContract } from '../broker-contract/index.js'
import { seededRandom } from '../seeded-random.js'
import { MemoryBroker, MemoryBrokerServer } from './index.js'

let server = newServer()

function newServer(): MemoryBrokerServer {
  return new MemoryBrokerServer({
    clock: systemClock,
    random: seededRandom(1),
    confirmTimeoutMs: 300,
    messageBytesMax: 1024 * 1024,
  })
}

const NOWHERE = newServer()
NOWHERE.kill()

brokerContract(
  {
    name: 'memory',
    make: async () => {
      server = newServer()
      return {
        connect: () => new MemoryBroker(server),
        connectNowhere: () => new MemoryBroker(NOWHERE),
        spoil: async (queue) => server.declare({ name: queue, partitions: 7 }),
        refused: async (queue) =>
          server
            .refused(queue)
            .map(({ message, reason }) => ({ id: message.id, reason, body: message.body })),
        dispose: async () => server.kill(),
      }
    },
    server: () => ({
      kill: async () => server.kill(),
      restart: async () => server.restart(),
      pause: () => server.pause(),
      resume: () => server.resume(),
    }),
  },
  { describe, it, expect },
)
