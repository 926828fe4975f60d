// The broker contract on servers within this process, a new one for every test.

import type { Broker } from '../../src/ports/index.js'
import type { BrokerHarness } from '../../src/testing/broker-contract/index.js'
import { MemoryBroker, type MemoryBrokerServer } from '../../src/testing/memory-broker/index.js'

export interface MemoryHarnessOptions {
  /** The deadline of handles that are to give up soon. All others have the server's. */
  readonly hastyMs: number
  /** Makes what the contract is handed of each broker. */
  readonly handle?: (broker: Broker) => Broker
}

export function memoryBrokerHarness(
  newServer: () => MemoryBrokerServer,
  { hastyMs, handle = (broker) => broker }: MemoryHarnessOptions,
): BrokerHarness {
  let server = newServer()
  const nowhere = newServer()
  nowhere.kill()
  return {
    name: 'memory',
    async make() {
      server = newServer()
      return {
        connect: ({ isHasty = false } = {}) =>
          handle(new MemoryBroker(server, isHasty ? hastyMs : server.confirmTimeoutMs)),
        connectNowhere: () => handle(new MemoryBroker(nowhere)),
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
  }
}
