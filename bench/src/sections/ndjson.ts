// Bulk over HTTP: streams of NDJSON from a separate process, every line a durable command, the worker running.

import { runChild, startChild } from '../child.js'
import { countRows } from '../database.js'
import type { ServerAddress, ServerJob } from '../http-server-process.js'
import { mediansOf } from '../median.js'
import type { NdjsonFigures, NdjsonJob } from '../ndjson-process.js'
import { atLeast, type Bench, count, type Section } from './section.js'

const ROUNDS = 5
const STREAMS = 4
const WARMUP = 5_000
const COMMANDS = 50_000
const ACCEPTED_PER_SECOND_MIN = 60_000

export const ndjson: Section = async (bench) => {
  const rounds: NdjsonFigures[] = []
  const total = bench.quick ? 1 : ROUNDS
  for (let round = 1; round <= total; round++) {
    bench.say(`ndjson, round ${round} of ${total}`)
    rounds.push(await runServer(bench))
    bench.scratch.sweep()
  }
  const figures = mediansOf(rounds)
  return {
    title: `HTTP, bulk: ${STREAMS} NDJSON streams`,
    table: [['accepted durably, commands/s'], [count(figures.acceptedPerSecond)]],
    targets: [atLeast('NDJSON bulk', figures.acceptedPerSecond, ACCEPTED_PER_SECOND_MIN, 'commands/s')],
    figures,
  }
}

async function runServer({ quick, scratch }: Bench): Promise<NdjsonFigures> {
  const file = scratch.newFile()
  const commands = quick ? COMMANDS / 4 : COMMANDS
  const server = startChild<ServerAddress>('./http-server-process.js', {
    server: 'spillway',
    file,
  } satisfies ServerJob)
  const { port } = await server.message()
  const job: NdjsonJob = { port, path: '/v1/commands:bulk', streams: STREAMS, warmup: WARMUP, commands }
  const figures = await runChild<NdjsonFigures>('./ndjson-process.js', job)
  await server.stop()
  const rows = countRows(file)
  const sent = (WARMUP + commands) * STREAMS
  if (rows !== sent) throw new Error(`ndjson: ${rows} of ${sent} events are in the table`)
  return figures
}
