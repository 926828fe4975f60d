// A process that stands between the sides and their servers and holds every answer back for a while: added latency per round
// trip, and nothing else. It reads its job from its first argument and ends with its IPC channel.

import { FaultProxy } from 'spillway/testing'

export interface ProxyJob {
  readonly ports: readonly number[]
  readonly delayMs: number
}

const { ports, delayMs } = JSON.parse(process.argv[2] ?? 'null') as ProxyJob

const proxies = await Promise.all(ports.map((port) => FaultProxy.listen({ port })))
for (const proxy of proxies) proxy.delay({ toClient: delayMs })
process.send?.(proxies.map((proxy) => proxy.port))
process.once('disconnect', () => process.exit())
