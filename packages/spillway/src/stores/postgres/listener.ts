// Hearing of new work from other processes: LISTEN on a connection of its own, which comes back by itself. While it is away workers
// find work by polling, and when it is back they are woken at once, because what was said meanwhile was not heard.

import type { Client, Notification } from 'pg'
import { spreadMs } from '../../domain/index.js'
import type { Random } from '../../ports/index.js'
import type { Connections } from './connections.js'
import { quotedName } from './identifiers.js'
import type { Pause } from './machine.js'

export interface ListenerOptions {
  readonly connections: Pick<Connections, 'connect'>
  readonly channel: string
  /** How long the server may take to answer. */
  readonly timeoutMs: number
  readonly hear: (notification: Notification) => void
  /** Something may have been missed. */
  readonly missed: () => void
  readonly pause: Pause
  readonly random: Random
}

export interface Listener {
  /** Resolves after the first try to connect, whatever came of it. */
  start(): Promise<void>
  stop(): Promise<void>
}

const RECONNECT_MS_MIN = 100
const RECONNECT_MS_MAX = 5_000
/** A connection that is cut off silently is noticed by asking. */
const CHECK_EVERY_MS = 30_000

export function newListener(options: ListenerOptions): Listener {
  const { connections, channel, hear, missed, pause, random } = options
  let client: Client | null = null
  let stopped = true
  let failures = 0
  let cancel: () => void = () => {}

  async function connect(): Promise<void> {
    try {
      const connecting = await connections.connect()
      if (stopped) return await end(connecting)
      client = connecting
      connecting.on('notification', hear)
      connecting.once('end', () => lost(connecting))
      await connecting.query(statement(`listen ${quotedName(channel)}`))
    } catch {
      if (client === null) return again()
      // Its end connects anew.
      return await end(client)
    }
    if (failures > 0) missed()
    failures = 0
    check()
  }

  function lost(ended: Client): void {
    if (client !== ended) return
    client = null
    again()
  }

  function again(): void {
    cancel()
    if (stopped) return
    const delayMs = Math.min(RECONNECT_MS_MIN * 2 ** failures, RECONNECT_MS_MAX)
    failures += 1
    cancel = pause.schedule(spreadMs(delayMs, random()), () => void connect())
  }

  function check(): void {
    cancel = pause.schedule(CHECK_EVERY_MS, () => {
      const checked = client
      if (checked === null) return
      checked.query(statement('select 1')).then(check, () => end(checked))
    })
  }

  const statement = (text: string): { text: string; query_timeout: number } => ({
    text,
    query_timeout: options.timeoutMs,
  })

  return {
    async start() {
      if (!stopped) return
      stopped = false
      await connect()
    },
    async stop() {
      stopped = true
      failures = 0
      cancel()
      const ending = client
      client = null
      if (ending !== null) await end(ending)
    },
  }
}

async function end(client: Client): Promise<void> {
  await client.end().catch(() => {})
}
