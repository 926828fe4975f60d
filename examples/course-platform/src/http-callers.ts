// Concurrent callers on the other side of HTTP. They live in a worker thread, so that the platform's event loop has its
// core to itself as it would with clients on other machines.

import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import type { Click } from './clicks.js'
import { type Answer, type Replay, replay } from './replay.js'

interface Job {
  readonly url: string
  readonly clicks: readonly Click[]
  readonly connections: number
  readonly acked: Int32Array
}

/** `onStart` gets a function that tells how many clicks were answered so far. */
export async function replayThroughHttp(
  job: Omit<Job, 'acked'>,
  onStart: (acked: () => number) => void = () => {},
): Promise<Replay> {
  const acked = new Int32Array(new SharedArrayBuffer(4))
  const worker = new Worker(new URL(import.meta.url), { workerData: { ...job, acked } satisfies Job })
  onStart(() => Atomics.load(acked, 0))
  const [report] = (await once(worker, 'message')) as [Replay]
  return report
}

async function runJob(job: Job): Promise<Replay> {
  const agent = new Agent({ keepAlive: true, maxSockets: job.connections })
  try {
    return await replay(
      job.clicks,
      { callers: job.connections, onAck: () => Atomics.add(job.acked, 0, 1) },
      (click) => post(agent, job.url, JSON.stringify(click)),
    )
  } finally {
    agent.destroy()
  }
}

function post(agent: Agent, url: string, body: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
    const sending = request(url, { method: 'POST', agent, headers }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (part: string) => {
        text += part
      })
      response.on('end', () => {
        if (response.statusCode === 202) resolve((JSON.parse(text) as { status: Answer }).status)
        else reject(new Error(`POST ${url} answered ${response.statusCode}: ${text}`))
      })
      response.on('error', reject)
    })
    sending.on('error', reject)
    sending.end(body)
  })
}

if (!isMainThread) parentPort?.postMessage(await runJob(workerData as Job))
