// The client side of the bulk section: a few streams of NDJSON at once, prebuilt, so that the server is what limits.

import { once } from 'node:events'
import { request } from 'node:http'
import { answer, readJob } from './child.js'
import { makeEvent } from './watch-event.js'

export interface NdjsonJob {
  readonly port: number
  readonly path: string
  readonly streams: number
  /** Commands per stream. */
  readonly warmup: number
  readonly commands: number
}

export interface NdjsonFigures {
  readonly acceptedPerSecond: number
}

const job = readJob<NdjsonJob>()
const PART_LINES = 500

function makeParts(first: number, size: number): Buffer[] {
  const parts: Buffer[] = []
  for (let index = first; index < first + size; index += PART_LINES) {
    const lines = Array.from({ length: Math.min(PART_LINES, first + size - index) }, (_, at) =>
      JSON.stringify({ type: 'watch.record', payload: makeEvent(index + at) }),
    )
    parts.push(Buffer.from(`${lines.join('\n')}\n`))
  }
  return parts
}

/** Resolves with the number of commands the server says it accepted. */
async function send(parts: readonly Buffer[]): Promise<number> {
  const sending = request({
    host: '127.0.0.1',
    port: job.port,
    path: job.path,
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
  })
  const responding = once(sending, 'response')
  for (const part of parts) {
    if (!sending.write(part)) await once(sending, 'drain')
  }
  sending.end()
  const [response] = await responding
  let text = ''
  response.setEncoding('utf8')
  for await (const part of response) text += part
  if (response.statusCode !== 202)
    throw new Error(`expected 202, received ${response.statusCode}: ${text.slice(0, 400)}`)
  return (JSON.parse(text) as { accepted: number }).accepted
}

async function run(streams: readonly (readonly Buffer[])[]): Promise<number> {
  const accepted = await Promise.all(streams.map(send))
  return accepted.reduce((sum, part) => sum + part, 0)
}

const streamsOf = (first: number, size: number) =>
  Array.from({ length: job.streams }, (_, stream) => makeParts(first + stream * size, size))

const warmups = streamsOf(0, job.warmup)
const streams = streamsOf(job.warmup * job.streams, job.commands)
await run(warmups)
const startedAt = performance.now()
const accepted = await run(streams)
const seconds = (performance.now() - startedAt) / 1_000
if (accepted !== job.commands * job.streams) throw new Error(`only ${accepted} commands were accepted`)
answer({ acceptedPerSecond: accepted / seconds } satisfies NdjsonFigures)
