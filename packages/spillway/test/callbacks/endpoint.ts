// A receiver of callbacks on this machine, as well or badly behaved as a test wants it, that says what arrived and which of its
// connections are still open: the other side's view of whether everything was let go.

import { createServer as createHttpServer, type IncomingMessage, type RequestListener } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'

export interface Received {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Connections are let go by the other side, or by a test. */
const KEEP_ALIVE_MS = 60_000

export class Endpoint {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  /** Conditions somebody waits for, looked at whenever something happens. */
  readonly #awaited = new Set<() => void>()
  /** Connections on which a request has begun to arrive; of a raw endpoint. */
  #requested = 0
  /** Connections so far. */
  connections = 0

  private constructor(server: Server) {
    this.#server = server
    server.on('connection', (socket: Socket) => {
      this.connections += 1
      this.#sockets.add(socket)
      socket.on('error', () => {})
      socket.once('close', () => {
        this.#sockets.delete(socket)
        this.#happened()
      })
      this.#happened()
    })
  }

  /** Speaks HTTP. */
  static http(listener: RequestListener): Promise<Endpoint> {
    return Endpoint.#listening(createHttpServer({ keepAliveTimeout: KEEP_ALIVE_MS }, listener))
  }

  static https(certificate: { key: string; cert: string }, listener: RequestListener): Promise<Endpoint> {
    return Endpoint.#listening(
      createHttpsServer({ ...certificate, keepAliveTimeout: KEEP_ALIVE_MS }, listener),
    )
  }

  /** Speaks whatever `onSocket` writes. */
  static async raw(onSocket: (socket: Socket) => void): Promise<Endpoint> {
    const server = createServer(onSocket)
    const endpoint = await Endpoint.#listening(server)
    server.on('connection', (socket) =>
      socket.once('data', () => {
        endpoint.#requested += 1
        endpoint.#happened()
      }),
    )
    return endpoint
  }

  static async #listening(server: Server): Promise<Endpoint> {
    const endpoint = new Endpoint(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return endpoint
  }

  /** Connections that are open now. */
  get open(): number {
    return this.#sockets.size
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/hook?tenant=7`
  }

  /** Resolves when no connection is open. */
  allClosed(): Promise<void> {
    return this.until(() => this.#sockets.size === 0)
  }

  /** Resolves when there were `count` connections. */
  connected(count = 1): Promise<void> {
    return this.until(() => this.connections >= count)
  }

  /** Resolves when requests have begun to arrive on `count` connections of a raw endpoint. */
  requested(count = 1): Promise<void> {
    return this.until(() => this.#requested >= count)
  }

  /** On all open connections. */
  write(text: string): void {
    for (const socket of this.#sockets) socket.write(text)
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve))
  }

  /** Resolves when `holds` is true after a connection came, went or began a request. */
  until(holds: () => boolean): Promise<void> {
    if (holds()) return Promise.resolve()
    return new Promise((resolve) => {
      const look = (): void => {
        if (!holds()) return
        this.#awaited.delete(look)
        resolve()
      }
      this.#awaited.add(look)
    })
  }

  #happened(): void {
    for (const look of this.#awaited) look()
  }
}

/** The whole request. */
export async function received(request: IncomingMessage): Promise<Received> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const headers = Object.entries(request.headers).map(([name, value]) => [name, String(value)])
  return {
    method: request.method ?? '',
    path: request.url ?? '',
    headers: Object.fromEntries(headers) as Record<string, string>,
    body: Buffer.concat(chunks).toString(),
  }
}
