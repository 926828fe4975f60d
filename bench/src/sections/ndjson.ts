// Bulk over HTTP: streams of NDJSON from a separate process, every line a durable command. Once with the worker in the same
// process, where both share one thread, and once with the intake alone, as it is deployed under such a load.

import { runChild, startChild } from '../child.js'
import { countRows } from '../database.js'
import type { ServerAddress, ServerJob } from '../http-server-process.js'
import { mediansOf } from '../median.js'
import type { NdjsonFigures, NdjsonJob } from '../ndjson-process.js'
import { openSpillway } from '../open-spillway.js'
import { atLeast, type Bench, count, type Section } from './section.js'

type Server = 'spillway' | 'intake'

const ROUNDS = 5
const STREAMS = 4
const WARMUP = 5_000
const COMMANDS = 50_000
const ACCEPTED_PER_SECOND_MIN = 60_000

export const ndjson: Section = async (bench) => {
  const runs: Record<Server, NdjsonFigures[]> = { spillway: [], intake: [] }
  const rounds = bench.quick ? 1 : ROUNDS
  for (let round = 1; round <= rounds; round++) {
    for (const server of ['spillway', 'intake'] as const) {
      bench.say(`ndjson, round ${round} of ${rounds}: ${server}`)
      runs[server].push(await runServer(bench, server))
    }
    bench.scratch.sweep()
  }
  const shared = mediansOf(runs.spillway).acceptedPerSecond
  const alone = mediansOf(runs.intake).acceptedPerSecond
  return {
    title: `HTTP, bulk: ${STREAMS} NDJSON streams`,
    table: [
      ['server', 'accepted durably, commands/s'],
      ['intake and worker in one process', count(shared)],
      ['intake alone', count(alone)],
    ],
    targets: [
      atLeast('NDJSON bulk, intake and worker', shared, ACCEPTED_PER_SECOND_MIN, 'commands/s'),
      atLeast('NDJSON bulk, intake alone', alone, ACCEPTED_PER_SECOND_MIN, 'commands/s'),
    ],
    figures: { shared, alone },
  }
}

async function runServer({ quick, scratch }: Bench, server: Server): Promise<NdjsonFigures> {
  const file = scratch.newFile()
  const commands = quick ? COMMANDS / 4 : COMMANDS
  const serving = startChild<ServerAddress>('./http-server-process.js', { server, file } satisfies ServerJob)
  const { port } = await serving.message()
  const job: NdjsonJob = { port, path: '/v1/commands:bulk', streams: STREAMS, warmup: WARMUP, commands }
  const figures = await runChild<NdjsonFigures>('./ndjson-process.js', job)
  await serving.stop()
  await checkLanded(file, (WARMUP + commands) * STREAMS)
  return figures
}

/** What was accepted lands, by whoever works on it later. */
async function checkLanded(file: string, sent: number): Promise<void> {
  const spillway = await openSpillway(file)
  await spillway.drain()
  await spillway.close()
  const rows = countRows(file)
  if (rows !== sent) throw new Error(`ndjson: ${rows} of ${sent} events are in the table`)
}
