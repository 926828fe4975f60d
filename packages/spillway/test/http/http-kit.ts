// A real Spillway behind a real server on a loopback port, and a client that shows everything of an answer.

import { connect, type Socket } from 'node:net'
import { z } from 'zod'
import type { CreateOptions } from '../../src/app/create-spillway.js'
import { createSpillway } from '../../src/app/create-spillway.js'
import { defineCommand, type SpillwayConfig } from '../../src/config/index.js'
import { failed } from '../../src/domain/index.js'
import { SpillwayError } from '../../src/errors/index.js'
import { type ServeOptions, serveHttp } from '../../src/http/index.js'
import type { Store } from '../../src/ports/index.js'
import { memory } from '../../src/stores/memory/index.js'

/** Returns what it is given. */
export const echo = defineCommand({ name: 'echo', input: z.unknown(), handle: (payload) => payload })
/** A typed payload, with an idempotency key of its own. */
const click = defineCommand({
  name: 'click.record',
  input: z.strictObject({ id: z.string(), n: z.number() }),
  idempotencyKey: ({ id }) => id,
  handleBatch: () => {},
})
/** Ends as its payload says, at the first attempt. */
const letter = defineCommand({
  name: 'letter',
  queue: 'letters',
  input: z.object({ end: z.enum(['ok', 'failed', 'thrown']) }),
  retry: { attempts: 1 },
  handle({ end }) {
    if (end === 'thrown') throw new Error('the printer burns')
    return end === 'failed' ? failed('address rejected') : 'sent'
  },
})

export interface KitOptions extends Omit<ServeOptions, 'port'> {
  readonly config?: Partial<SpillwayConfig>
  readonly create?: CreateOptions
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly json: any
}

export type HttpKit = Awaited<ReturnType<typeof startHttp>>

export async function startHttp({ config = {}, create = {}, ...serve }: KitOptions = {}) {
  const spillway = await createSpillway(
    { store: memory(), commands: [echo, click, letter], ...config },
    { logs: 'silent', ...create },
  )
  const server = await serveHttp(spillway, { ...serve, port: 0 }).catch(async (error: unknown) => {
    await spillway.close()
    throw error
  })
  const sockets: Socket[] = []
  return {
    spillway,
    server,
    url: server.url,
    get: (path: string, init: RequestInit = {}) => request(server.url, path, init),
    post: (path: string, body?: unknown, init: RequestInit = {}) =>
      request(server.url, path, postInit(body, init)),
    /** A bare connection, for what no client would send. */
    socket: () => {
      const { hostname, port } = new URL(server.url)
      const socket = connect(Number(port), hostname)
      sockets.push(socket)
      return new RawConnection(socket)
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      await server.close()
      await spillway.close()
    },
  }
}

export const NDJSON = { headers: { 'content-type': 'application/x-ndjson' } }

function postInit(body: unknown, init: RequestInit): RequestInit {
  if (body === undefined) return { method: 'POST', ...init }
  const text =
    typeof body === 'string' || body instanceof Uint8Array || body instanceof ReadableStream
      ? body
      : JSON.stringify(body)
  return {
    method: 'POST',
    body: text as NonNullable<RequestInit['body']>,
    ...(body instanceof ReadableStream ? { duplex: 'half' } : {}),
    ...init,
    headers: { 'content-type': 'application/json', ...(init.headers as Record<string, string>) },
  } as RequestInit
}

async function request(base: string, path: string, init: RequestInit): Promise<Answer> {
  const response = await fetch(`${base}${path}`, init)
  const text = await response.text()
  return { status: response.status, headers: response.headers, text, json: parsed(text) }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

class RawConnection {
  readonly socket: Socket
  /** Everything received when the other side closed. */
  readonly closed: Promise<string>
  #received = ''

  constructor(socket: Socket) {
    this.socket = socket
    this.closed = new Promise((resolve) => {
      socket.on('data', (data) => {
        this.#received += data.toString('latin1')
      })
      socket.on('error', () => {})
      socket.on('close', () => resolve(this.#received))
    })
  }

  send(data: string | Buffer): this {
    this.socket.write(data)
    return this
  }

  /** Resolves when what was received so far has the text. */
  async receives(text: string): Promise<string> {
    while (!this.#received.includes(text)) {
      await new Promise<void>((resolve, reject) => {
        this.socket.once('data', () => resolve())
        this.socket.once('close', () =>
          reject(new Error(`closed without ${JSON.stringify(text)}: ${this.#received}`)),
        )
      })
    }
    return this.#received
  }
}

/** The same store with some methods replaced. */
export function withStore(store: Store, replaced: Partial<Store>): Store {
  return Object.assign(Object.create(store) as Store, replaced)
}

export const storeDown = (): Promise<never> =>
  Promise.reject(
    new SpillwayError('store_unavailable', 'The store is locked by another process; try again.', {
      details: { reason: 'busy' },
    }),
  )
