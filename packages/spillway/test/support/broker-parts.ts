// A broker as a plain object, for tests that replace a part of it: a class instance cannot be spread.

import type { Broker } from '../../src/ports/index.js'

export function brokerParts(broker: Broker): Broker {
  return {
    name: broker.name,
    capabilities: broker.capabilities,
    open: (queues) => broker.open(queues),
    publish: (messages) => broker.publish(messages),
    subscribe: (request) => broker.subscribe(request),
    state: () => broker.state(),
    probe: () => broker.probe(),
    close: () => broker.close(),
  }
}
