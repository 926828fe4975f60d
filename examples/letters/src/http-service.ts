// A small HTTP service on this machine, which can be out of order for a while: the port stays its own, nobody answers.

import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Serve = (request: IncomingMessage, response: ServerResponse) => Promise<void>

const HOST = '127.0.0.1'
const BODY_BYTES_MAX = 256 * 1024

export class HttpService {
  readonly #server: Server
  #port = 0

  private constructor(serve: Serve) {
    this.#server = createServer((request, response) => {
      // A caller that has gone away, or sends what nobody understands, gets no answer.
      serve(request, response).catch(() => response.destroy())
    })
  }

  static async open(serve: Serve): Promise<HttpService> {
    const service = new HttpService(serve)
    await service.#listen()
    return service
  }

  get url(): string {
    return `http://${HOST}:${this.#port}`
  }

  /** Every connection is cut and new ones are refused until `resume`. */
  async halt(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }

  resume(): Promise<void> {
    return this.#listen()
  }

  async close(): Promise<void> {
    if (this.#server.listening) await this.halt()
  }

  async #listen(): Promise<void> {
    this.#server.listen(this.#port, HOST)
    await once(this.#server, 'listening')
    this.#port = (this.#server.address() as AddressInfo).port
  }
}

export async function bodyText(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length
    if (bytes > BODY_BYTES_MAX) throw new Error(`a request body of more than ${BODY_BYTES_MAX} bytes`)
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}

export function send(response: ServerResponse, status: number, body?: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(body === undefined ? undefined : JSON.stringify(body))
}
