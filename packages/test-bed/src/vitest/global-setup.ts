// Vitest's globalSetup: opens the host of the run's shared servers, and stops what was started when the run ends.

import { announceSharedHost } from '../environment.js'
import { SharedHost } from '../shared-host.js'

export default async function setup(): Promise<() => Promise<void>> {
  const host = await SharedHost.open()
  announceSharedHost(host.socketPath)
  return () => host.close()
}
