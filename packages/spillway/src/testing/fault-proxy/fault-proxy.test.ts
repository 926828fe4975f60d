import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { VirtualClock } from '../virtual-clock.js'
import { FaultProxy } from './index.js'

/** Far longer than anything takes but a hang. */
const PATIENCE = { timeout: 20_000 }

/** One end of a connection, and what has come to it. */
class End {
  text = ''
  /** How it ended: the error's code, or `end`. */
  readonly ended: Promise<string>
  readonly socket: Socket

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (data) => {
      this.text += data.toString()
    })
    this.ended = new Promise((resolve) => {
      socket.once('end', () => resolve('end'))
      socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    })
  }

  send(text: string): Promise<void> {
    return new Promise((resolve) => this.socket.write(text, () => resolve()))
  }

  async hears(text: string): Promise<void> {
    await vi.waitFor(() => expect(this.text).toBe(text), PATIENCE)
  }
}

let server: Server
let serverPort: number
let serverEnds: End[]
let clients: Socket[]
let proxy: FaultProxy

beforeEach(async () => {
  serverEnds = []
  clients = []
  server = createServer((socket) => serverEnds.push(new End(socket)))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  serverPort = typeof address === 'object' && address !== null ? address.port : 0
  proxy = await FaultProxy.listen({ port: serverPort })
})

afterEach(async () => {
  for (const client of clients) client.destroy()
  await proxy.close()
  for (const { socket } of serverEnds) socket.destroy()
  server.close()
})

/** Both ends of a new connection through the proxy. */
async function connected(): Promise<{ client: End; peer: End }> {
  const socket = connect(proxy.port, '127.0.0.1')
  clients.push(socket)
  const client = new End(socket)
  const before = serverEnds.length
  await vi.waitFor(() => expect(serverEnds).toHaveLength(before + 1), PATIENCE)
  return { client, peer: serverEnds[before] as End }
}

describe('a fault proxy', () => {
  it('passes everything on in both directions and counts it', async () => {
    const { client, peer } = await connected()
    await client.send('ping')
    await peer.hears('ping')
    await peer.send('answer')
    await client.hears('answer')
    expect(proxy.traffic).toEqual({ connections: 1, open: 1, toServer: 4, toClient: 6 })
  })

  it('passes more than it may hold back, unchanged and in order', async () => {
    const { client, peer } = await connected()
    const parts = Array.from({ length: 300 }, (_, n) => String(n).padStart(40_000, '.'))
    await Promise.all(parts.map((part) => client.send(part)))
    await peer.hears(parts.join(''))
  })

  it('passes the end of a stream on, and lets the other direction go on', async () => {
    const { client, peer } = await connected()
    peer.socket.allowHalfOpen = true
    client.socket.end('last words')
    expect(await peer.ended).toBe('end')
    await peer.send('heard')
    await client.hears('heard')
    expect(peer.text).toBe('last words')
  })

  it('passes a broken connection on as broken', async () => {
    const { client, peer } = await connected()
    client.socket.resetAndDestroy()
    expect(await peer.ended).toBe('ECONNRESET')
  })

  it('breaks the client when the server cannot be reached', async () => {
    server.close()
    const client = new End(connect(proxy.port, '127.0.0.1'))
    expect(await client.ended).toBe('ECONNRESET')
    await vi.waitFor(() => expect(proxy.traffic.open).toBe(0), PATIENCE)
  })
})

describe('a cut', () => {
  it('lets exactly the bytes named reach the server', async () => {
    const { client, peer } = await connected()
    const cut = proxy.cutAfter('toServer', 3)
    await client.send('request')
    await cut
    expect(await client.ended).toBe('ECONNRESET')
    await peer.ended
    expect(peer.text).toBe('req')
  })

  it('lets exactly the bytes named reach the client', async () => {
    const { client, peer } = await connected()
    void proxy.cutAfter('toClient', 5)
    await client.send('request')
    await peer.hears('request')
    await peer.send('response')
    // libuv reports a reset that it sees together with the last data as an end.
    expect(['ECONNRESET', 'end']).toContain(await client.ended)
    expect(client.text).toBe('respo')
  })

  it('after byte 0 comes before anything passes', async () => {
    const { client, peer } = await connected()
    void proxy.cutAfter('toServer', 0)
    await client.send('request')
    expect(await client.ended).toBe('ECONNRESET')
    await peer.ended
    expect(peer.text).toBe('')
  })

  it('counts over messages and connections, and cuts only the one that carried the last byte', async () => {
    const first = await connected()
    const second = await connected()
    void proxy.cutAfter('toServer', 6)
    await first.client.send('abcd')
    await first.peer.hears('abcd')
    await second.client.send('efgh')
    expect(await second.client.ended).toBe('ECONNRESET')
    await second.peer.ended
    expect(second.peer.text).toBe('ef')
    await first.client.send('more')
    await first.peer.hears('abcdmore')
  })

  it('happens once', async () => {
    const { client } = await connected()
    void proxy.cutAfter('toServer', 1)
    await client.send('xy')
    await client.ended
    const again = await connected()
    await again.client.send('xyz')
    await again.peer.hears('xyz')
  })

  it('can end the streams in order instead', async () => {
    const { client, peer } = await connected()
    void proxy.cutAfter('toServer', 2, 'end')
    await client.send('abc')
    expect(await client.ended).toBe('end')
    expect(await peer.ended).toBe('end')
    expect(peer.text).toBe('ab')
  })

  it('of all connections comes at once', async () => {
    const ends = [await connected(), await connected()]
    proxy.cutAll()
    for (const { client } of ends) expect(await client.ended).toBe('ECONNRESET')
  })

  it('after half a byte is refused', () => {
    expect(() => proxy.cutAfter('toServer', 0.5)).toThrow('a whole number of bytes')
  })
})

describe('other faults', () => {
  it('delay what is sent, and keep its order', async () => {
    const clock = new VirtualClock()
    await proxy.close()
    proxy = await FaultProxy.listen({ port: serverPort, clock })
    const { client, peer } = await connected()
    proxy.delay({ toServer: 50 })
    await client.send('one ')
    await vi.waitFor(() => expect(clock.pending).toBe(1), PATIENCE)
    await clock.advance(49)
    expect(proxy.traffic.toServer).toBe(0)
    await peer.send('undelayed')
    await client.hears('undelayed')
    await clock.advance(1)
    await peer.hears('one ')
    proxy.reset()
    await client.send('two')
    await peer.hears('one two')
  })

  it('add latency both ways by the real clock', async () => {
    const { client, peer } = await connected()
    proxy.delay({ toServer: 20, toClient: 20 })
    const startedAt = performance.now()
    await client.send('ping')
    await peer.hears('ping')
    await peer.send('pong')
    await client.hears('pong')
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(39)
  })

  it('hold everything back while paused, and deliver it then', async () => {
    const { client, peer } = await connected()
    proxy.pause('toServer')
    await client.send('held')
    await peer.send('flows')
    await client.hears('flows')
    expect(proxy.traffic.toServer).toBe(0)
    proxy.resume()
    await peer.hears('held')
  })

  it('swallow what is sent, the end included, while connections stay open', async () => {
    const { client, peer } = await connected()
    proxy.swallow()
    client.socket.end('lost')
    await peer.send('lost too')
    await vi.waitFor(() => expect(client.socket.writableFinished).toBe(true), PATIENCE)
    expect({ peer: peer.text, client: client.text, open: proxy.traffic.open }).toEqual({
      ...{ peer: '', client: '', open: 1 },
    })
    expect(peer.socket.readable).toBe(true)
  })

  it('hide from the server that a silent client is gone', async () => {
    const { client, peer } = await connected()
    const other = await connected()
    proxy.swallow('toServer')
    client.socket.resetAndDestroy()
    await once(client.socket, 'close')
    await other.peer.send('time has passed')
    await other.client.hears('time has passed')
    expect({ readable: peer.socket.readable, open: proxy.traffic.open }).toEqual({ readable: true, open: 2 })
  })

  it('reset connections that lost bytes, once they end', async () => {
    const { client, peer } = await connected()
    const other = await connected()
    proxy.swallow('toServer')
    await client.send('lost')
    await client.send('lost')
    await peer.send('seen')
    await client.hears('seen')
    proxy.reset()
    expect(await client.ended).toBe('ECONNRESET')
    await other.client.send('kept')
    await other.peer.hears('kept')
  })

  it('refuse new connections and leave the old ones', async () => {
    const { client, peer } = await connected()
    proxy.refuse()
    const refused = new End(connect(proxy.port, '127.0.0.1'))
    expect(await refused.ended).toBe('ECONNRESET')
    await client.send('still here')
    await peer.hears('still here')
    proxy.reset()
    await connected()
    expect(proxy.traffic.connections).toBe(1)
  })
})
