// Commands that harm whoever works on them, on any store, and two releases of what they look like. What is done to a process is done by
// the first execution alone, unless the command is poison.

import { env, exit, kill, pid, stdin } from 'node:process'
import { defineCommand, defineConfig } from 'spillway'
import { mysql } from 'spillway/mysql'
import { postgres } from 'spillway/postgres'
import { sqlite } from 'spillway/sqlite'
import { z } from 'zod'

const LEASE_MS = 1_000
/** Past the lease, whenever it was prolonged last. */
const BLOCKED_MS = 2_000
const never = new Promise(() => {})

// A process does not outlive the test that started it, however that ended.
stdin.on('close', () => exit(1)).resume()
stdin.unref()

const url = env.FAULTS_STORE_URL ?? ''
const isNew = env.FAULTS_RELEASE === 'new'
const Identified = z.object({ id: z.string() })
const BACKOFF = { backoff: { delay: 50, max: 50 } }

/** Ends its worker, every time. */
const poisonous = defineCommand({
  name: 'poisonous',
  queue: 'poison',
  input: Identified.extend({ isPoison: z.boolean() }),
  retry: BACKOFF,
  async handle({ isPoison }) {
    if (!isPoison) return
    kill(pid, 'SIGKILL')
    await never
  },
})

/** Hears no signal and never returns. */
const hung = defineCommand({
  name: 'hung',
  queue: 'hung',
  input: Identified,
  timeout: '200ms',
  retry: BACKOFF,
  async handle(_, { attempt }) {
    if (attempt === 1) await never
    return { attempt }
  },
})

/** Computes without a pause, as nothing else in its process can. */
const blocking = defineCommand({
  name: 'blocking',
  queue: 'blocking',
  input: Identified,
  retry: BACKOFF,
  handle(_, { attempt }) {
    if (attempt === 1) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BLOCKED_MS)
    return { attempt }
  },
})

const Parcel = isNew ? Identified.extend({ address: z.string() }) : Identified.loose()

/** Its next release wants an address, and checks every stored payload for it. */
const parcel = defineCommand({
  name: 'parcel',
  queue: 'parcels',
  input: Parcel,
  revalidate: true,
  handle: post,
})
/** The same, and looks into a payload once its handler has failed on it. */
const packet = defineCommand({
  name: 'packet',
  queue: 'parcels',
  input: Parcel,
  retry: BACKOFF,
  handle: post,
})

/** @param {{ id: string, address?: unknown }} payload */
function post({ address }) {
  return { postedTo: String(/** @type {string} */ (address).toUpperCase()) }
}

export default defineConfig({
  store: url.startsWith('postgres:') ? postgres(url) : url.startsWith('mysql:') ? mysql(url) : sqlite(url),
  commands: [poisonous, hung, blocking, parcel, packet],
  queues: {
    // Those whose workers are to be taken for dead soon; nobody else is, on a machine that is busy.
    poison: { lease: LEASE_MS },
    // Whoever hangs takes the only slot there is.
    ...Object.fromEntries(['hung', 'blocking'].map((queue) => [queue, { lease: LEASE_MS, concurrency: 1 }])),
  },
  worker: { closeTimeout: '1s' },
})
