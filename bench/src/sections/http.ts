// A single durable POST against a route that does nothing, under the same load from the same separate process.

import { runChild, startChild } from '../child.js'
import { countRows } from '../database.js'
import type { ServerAddress, ServerJob } from '../http-server-process.js'
import type { LoadFigures, LoadJob } from '../load-process.js'
import { mediansOf } from '../median.js'
import { atLeast, type Bench, count, milliseconds, type Section, times } from './section.js'

type Server = 'noop' | 'spillway'

const ROUNDS = 5
const CONNECTIONS = 256
const WARMUP = 10_000
const REQUESTS = 60_000
const PATH = '/v1/commands/watch.record'
const RATIO_MIN = 0.6

export const http: Section = async (bench) => {
  const runs: Record<Server, ServerFigures[]> = { noop: [], spillway: [] }
  const rounds = bench.quick ? 1 : ROUNDS
  for (let round = 1; round <= rounds; round++) {
    for (const server of ['noop', 'spillway'] as const) {
      bench.say(`http, round ${round} of ${rounds}: ${server}`)
      runs[server].push(await runServer(bench, server))
    }
    bench.scratch.sweep()
  }
  const noop = mediansOf(runs.noop)
  const spillway = mediansOf(runs.spillway)
  const ratio = spillway.requestsPerSecond / noop.requestsPerSecond
  return {
    title: `HTTP, single POSTs over ${CONNECTIONS} connections`,
    table: [
      ['route', 'requests/s', 'ratio', 'p50 ms', 'p99 ms', 'landed at the end'],
      [
        'no-op Fastify route',
        count(noop.requestsPerSecond),
        '',
        milliseconds(noop.p50Ms),
        milliseconds(noop.p99Ms),
        '',
      ],
      [
        'durable POST, worker running',
        count(spillway.requestsPerSecond),
        times(ratio),
        milliseconds(spillway.p50Ms),
        milliseconds(spillway.p99Ms),
        `${Math.round(spillway.landedShare * 100)}%`,
      ],
    ],
    targets: [atLeast('durable POST vs no-op', ratio, RATIO_MIN)],
    figures: { noop, spillway },
  }
}

interface ServerFigures extends LoadFigures {
  /** Share of the events that were in the table when the last POST had been answered. */
  readonly landedShare: number
}

async function runServer({ quick, scratch }: Bench, server: Server): Promise<ServerFigures> {
  const file = scratch.newFile()
  const requests = quick ? REQUESTS / 4 : REQUESTS
  const serving = startChild<ServerAddress>('./http-server-process.js', { server, file } satisfies ServerJob)
  const { port } = await serving.message()
  const job: LoadJob = { port, path: PATH, connections: CONNECTIONS, warmup: WARMUP, requests }
  const figures = await runChild<LoadFigures>('./load-process.js', job)
  if (server === 'noop') {
    await serving.stop()
    return { ...figures, landedShare: 0 }
  }
  const landedShare = countRows(file) / (WARMUP + requests)
  await serving.stop()
  checkLanded(countRows(file), WARMUP + requests)
  return { ...figures, landedShare }
}

function checkLanded(rows: number, sent: number): void {
  if (rows !== sent) throw new Error(`http: ${rows} of ${sent} events are in the table`)
}
