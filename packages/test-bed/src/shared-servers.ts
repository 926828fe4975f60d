// Where a kind of server that tests share is: the test run's, or outside a test run one of this process's own.

import { sharedHostSocket } from './environment.js'
import { askSharedHost, type SharedKind, SharedServers } from './shared-host.js'

/** For programs outside a test run: their own, ended with them. */
const ownServers = new SharedServers()

export function sharedServerUrl(kind: SharedKind): Promise<string> {
  const socketPath = sharedHostSocket()
  return socketPath === null ? ownServers.url(kind) : askSharedHost(socketPath, kind)
}

/** The broker that the tests of a run share; each keeps to names of its own. */
export function sharedRabbitMq(): Promise<string> {
  return sharedServerUrl('rabbitmq')
}
