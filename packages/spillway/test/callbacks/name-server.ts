// A name server on this machine that knows what a test tells it: A and AAAA records.

import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import ipaddr from 'ipaddr.js'

const TYPE_A = 1
const TYPE_AAAA = 28
const RESPONSE = 0x8180
const NAME_ERROR = 3
const HEADER_BYTES = 12

export class NameServer {
  readonly #socket: Socket
  /** Addresses of a name; a name that is not here does not exist. */
  readonly records = new Map<string, readonly string[]>()
  /** Names asked for, in the order of the queries. */
  readonly asked: string[] = []

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('message', (query, { port, address }) => socket.send(this.#answer(query), port, address))
  }

  static async start(): Promise<NameServer> {
    const server = new NameServer(createSocket('udp4'))
    server.#socket.bind(0, '127.0.0.1')
    await once(server.#socket, 'listening')
    return server
  }

  get address(): string {
    return `127.0.0.1:${this.#socket.address().port}`
  }

  async close(): Promise<void> {
    const closed = once(this.#socket, 'close')
    this.#socket.close()
    await closed
  }

  #answer(query: Buffer): Buffer {
    const { name, type, end } = question(query)
    this.asked.push(name)
    const addresses = this.records.get(name)
    const bytes = (addresses ?? [])
      .map((address) => Buffer.from(ipaddr.parse(address).toByteArray()))
      .filter(({ length }) => (type === TYPE_A && length === 4) || (type === TYPE_AAAA && length === 16))
    const header = Buffer.alloc(HEADER_BYTES)
    query.copy(header, 0, 0, 2)
    header.writeUInt16BE(RESPONSE | (addresses === undefined ? NAME_ERROR : 0), 2)
    header.writeUInt16BE(1, 4)
    header.writeUInt16BE(bytes.length, 6)
    return Buffer.concat([
      header,
      query.subarray(HEADER_BYTES, end),
      ...bytes.map((each) => record(type, each)),
    ])
  }
}

function question(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = []
  let at = HEADER_BYTES
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    labels.push(query.toString('ascii', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 }
}

/** Points back to the name of the question. */
function record(type: number, address: Buffer): Buffer {
  const fields = Buffer.alloc(HEADER_BYTES)
  fields.writeUInt16BE(0xc000 | HEADER_BYTES, 0)
  fields.writeUInt16BE(type, 2)
  fields.writeUInt16BE(1, 4)
  fields.writeUInt16BE(address.length, 10)
  return Buffer.concat([fields, address])
}
