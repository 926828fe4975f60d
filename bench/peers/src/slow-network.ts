// The parent's end of the delaying proxies: the way to the servers by them, and how much latency they really add.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { median } from 'spillway-bench/median'
import type { ProxyJob } from './proxy-process.js'
import type { ServerUrls } from './sides/side.js'

export interface SlowNetwork {
  via(urls: ServerUrls): ServerUrls
  /** Median time of a round trip by the proxy, less that of a direct one. */
  addedMs(postgresUrl: string): Promise<number>
  close(): Promise<void>
}

const MODULE = fileURLToPath(new URL('proxy-process.js', import.meta.url))
const ROUND_TRIPS = 200

export async function openSlowNetwork(ports: readonly number[], delayMs: number): Promise<SlowNetwork> {
  const child = fork(MODULE, [JSON.stringify({ ports, delayMs } satisfies ProxyJob)])
  const [proxyPorts] = (await once(child, 'message')) as [readonly number[]]
  const reroute = (url: string) => {
    const changed = new URL(url)
    const at = ports.indexOf(Number(changed.port))
    if (at !== -1) changed.port = String(proxyPorts[at])
    return changed.href
  }
  return {
    via: ({ database, redis, transit }) => ({
      transit,
      database: reroute(database),
      redis: redis === null ? null : reroute(redis),
    }),
    addedMs: async (url) => (await roundTripMs(reroute(url))) - (await roundTripMs(url)),
    async close() {
      const ended = once(child, 'exit')
      child.disconnect()
      await ended
    },
  }
}

async function roundTripMs(url: string): Promise<number> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const durationsMs: number[] = []
  for (let trip = 0; trip < ROUND_TRIPS; trip++) {
    const startedAt = performance.now()
    await client.query('SELECT 1')
    durationsMs.push(performance.now() - startedAt)
  }
  await client.end()
  return median(durationsMs)
}
