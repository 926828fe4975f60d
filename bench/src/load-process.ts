// HTTP load, made as cheaply as can be so that the server is what limits: raw keep-alive sockets, one request in flight on
// each, and one prebuilt request per socket in which only the digits of the event's id change.

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { answer, readJob } from './child.js'
import { percentiles } from './measure.js'
import { makeEvent } from './watch-event.js'

export interface LoadJob {
  readonly port: number
  readonly path: string
  readonly connections: number
  readonly warmup: number
  readonly requests: number
}

export interface LoadFigures {
  readonly requestsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
}

const job = readJob<LoadJob>()
const ID = makeEvent(0).eventId
const ID_DIGITS = 9
const HEAD_END = '\r\n\r\n'
const LENGTH = /\r\ncontent-length: (\d+)\r\n/i
const ACCEPTED = 'HTTP/1.1 202'

let nextId = 0

/** One request after the other on one socket, until `take` says there is no more. */
async function callOn(socket: Socket, take: () => boolean, onDone: (ms: number) => void): Promise<void> {
  const request = requestTemplate()
  const idAt = request.indexOf(ID) + ID.length - ID_DIGITS
  while (take()) {
    request.write(String(nextId++).padStart(ID_DIGITS, '0'), idAt, 'latin1')
    const sentAt = performance.now()
    socket.write(request)
    await answered(socket)
    onDone(performance.now() - sentAt)
  }
}

function requestTemplate(): Buffer {
  const body = JSON.stringify(makeEvent(0))
  const head = [
    `POST ${job.path} HTTP/1.1`,
    'host: 127.0.0.1',
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
  ]
  return Buffer.from(head.join('\r\n') + HEAD_END + body)
}

function answered(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = ''
    const onData = (part: Buffer) => {
      text += part.toString('latin1')
      const headEnd = text.indexOf(HEAD_END)
      if (headEnd === -1) return
      const length = Number(LENGTH.exec(text)?.[1] ?? 0)
      if (text.length < headEnd + HEAD_END.length + length) return
      socket.off('data', onData)
      if (text.startsWith(ACCEPTED)) resolve()
      else reject(new Error(`expected 202, received: ${text.slice(0, 400)}`))
    }
    socket.on('data', onData)
  })
}

async function run(sockets: readonly Socket[], requests: number): Promise<LoadFigures> {
  const durationsMs = new Float64Array(requests)
  let taken = 0
  let done = 0
  const startedAt = performance.now()
  await Promise.all(
    sockets.map((socket) =>
      callOn(
        socket,
        () => taken++ < requests,
        (ms) => {
          durationsMs[done++] = ms
        },
      ),
    ),
  )
  const seconds = (performance.now() - startedAt) / 1_000
  const { ackP50Ms, ackP99Ms } = percentiles(durationsMs)
  return { requestsPerSecond: requests / seconds, p50Ms: ackP50Ms, p99Ms: ackP99Ms }
}

const sockets = await Promise.all(
  Array.from({ length: job.connections }, async () => {
    const socket = connect({ host: '127.0.0.1', port: job.port, noDelay: true })
    await once(socket, 'connect')
    return socket
  }),
)
await run(sockets, job.warmup)
const figures = await run(sockets, job.requests)
for (const socket of sockets) socket.destroy()
answer(figures)
