import { channel } from 'node:diagnostics_channel'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Endpoint } from '../../test/callbacks/endpoint.js'
import { BODY, ID, SenderRig, TIMEOUT_MS } from '../../test/callbacks/sender-rig.js'

let rig: SenderRig
beforeEach(() => {
  rig = new SenderRig()
})
afterEach(() => rig.close())

/** Resolves when undici has read the headers of its answer. */
function headersRead({ port }: Endpoint): Promise<void> {
  const headers = channel('undici:request:headers')
  return new Promise((resolve) => {
    const listener = (message: unknown): void => {
      const { request } = message as { readonly request: { readonly origin: string } }
      if (!request.origin.endsWith(`:${port}`)) return
      headers.unsubscribe(listener)
      resolve()
    }
    headers.subscribe(listener)
  })
}

describe('a badly behaved receiver', () => {
  it('that never answers is given up after the time, and let go', async () => {
    const endpoint = await rig.rude('')
    const sending = rig.send(endpoint)
    await endpoint.requested()
    await rig.clock.advance(TIMEOUT_MS)
    expect(await sending).toEqual({
      kind: 'fault',
      code: 'timeout',
      message: 'no answer within 15000 ms',
      durationMs: TIMEOUT_MS,
    })
    await endpoint.allClosed()
  })

  it('is given at most 30 s, whatever the configuration says', async () => {
    const endpoint = await rig.rude('')
    const sending = rig.senderTo(endpoint, { timeoutMs: 3_600_000 }).send({
      url: endpoint.url,
      id: ID,
      body: BODY,
    })
    await endpoint.requested()
    await rig.clock.advance(30_000)
    expect(await sending).toMatchObject({ code: 'timeout', durationMs: 30_000 })
    await endpoint.allClosed()
  })

  it('whose name is never resolved is given up after the time', async () => {
    const endpoint = await rig.rude('')
    let ask = (): void => {}
    const asked = new Promise<void>((tell) => {
      ask = tell
    })
    const resolve = () => {
      ask()
      return new Promise<never>(() => {})
    }
    const sender = rig.senderTo(endpoint, { resolve, timeoutMs: 3_000 })
    const sending = sender.send({ url: `http://hooks.example.com:${endpoint.port}/`, id: ID, body: BODY })
    await asked
    await rig.clock.advance(3_000)
    expect(await sending).toMatchObject({ code: 'timeout', durationMs: 3_000 })
    await rig.clock.advance(7_000)
    expect([rig.clock.pending, endpoint.connections]).toEqual([0, 0])
  })

  it('that drips headers byte by byte is given up after the time', async () => {
    const endpoint = await rig.rude('HTTP/1.1 200 OK\r\nx-')
    const sending = rig.send(endpoint)
    await endpoint.requested()
    for (let second = 0; second < 15; second++) {
      endpoint.write('a')
      await rig.clock.advance(1_000)
    }
    expect(await sending).toMatchObject({ code: 'timeout', durationMs: TIMEOUT_MS })
    await endpoint.allClosed()
  })

  it('that sends interim answers for ever is given up after the time', async () => {
    const endpoint = await rig.rude('HTTP/1.1 103 Early Hints\r\n\r\n')
    const sending = rig.send(endpoint)
    await endpoint.requested()
    for (let second = 0; second < 15; second++) {
      endpoint.write('HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n')
      await rig.clock.advance(1_000)
    }
    expect(await sending).toMatchObject({ code: 'timeout' })
    await endpoint.allClosed()
  })

  it('that drips its body has answered; the rest is cut by time', async () => {
    const endpoint = await rig.rude('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\na')
    const answered = headersRead(endpoint)
    const sending = rig.send(endpoint)
    await answered
    for (let second = 0; second < 15; second++) {
      endpoint.write('b')
      await rig.clock.advance(1_000)
    }
    expect(await sending).toMatchObject({ status: 200, cut: 'time', durationMs: TIMEOUT_MS })
    await endpoint.allClosed()
  })

  it('whose body never ends has answered; 64 KiB are read and 1 KiB is kept', async () => {
    const endpoint = await rig.open(
      Endpoint.http((_, response) => {
        const more = (): void => {
          while (!response.destroyed && response.write('é'.repeat(8_192)));
        }
        response.on('drain', more).writeHead(500)
        more()
      }),
    )
    const result = await rig.send(endpoint)
    expect(result).toMatchObject({ status: 500, cut: 'size', snippet: 'é'.repeat(512) })
    await endpoint.allClosed()
  })

  it('that sends a compressed bomb is charged its weight: nothing is unpacked', async () => {
    const bomb = gzipSync(Buffer.alloc(10_000_000, 'a'))
    const endpoint = await rig.open(
      Endpoint.http((_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb)),
    )
    const result = await rig.send(endpoint)
    expect(bomb.length).toBeLessThan(64 * 1024)
    expect(result).toMatchObject({ status: 200, cut: null })
    expect('snippet' in result && result.snippet).not.toContain('aaaa')
  })

  it('that sends what no terminal should get is kept as one printable line', async () => {
    const endpoint = await rig.open(
      Endpoint.http((_, response) =>
        response.writeHead(400).end('no\r\n\0\u001b[2J \u202egnp.exe\u2066\ufeff  <b>\u{e000}bad\u2028'),
      ),
    )
    expect(await rig.send(endpoint)).toMatchObject({ status: 400, snippet: 'no [2J gnp.exe <b> bad' })
  })

  it('that resets the connection is a fault before the status, and an answer after it', async () => {
    const before = await rig.open(
      Endpoint.raw((socket) => socket.once('data', () => socket.resetAndDestroy())),
    )
    expect(await rig.send(before)).toMatchObject({ kind: 'fault', code: 'reset' })
    const mute = await rig.open(Endpoint.raw((socket) => socket.once('data', () => socket.end())))
    expect(await rig.send(mute)).toMatchObject({ kind: 'fault', code: 'reset' })
    const after = await rig.open(
      Endpoint.raw((socket) =>
        socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc')),
      ),
    )
    expect(await rig.send(after)).toMatchObject({ status: 200, cut: 'broken', snippet: 'abc' })
    for (const endpoint of [before, mute, after]) await endpoint.allClosed()
  })

  it('with headers beyond 16 KiB is cut off', async () => {
    const endpoint = await rig.rude(`HTTP/1.1 200 OK\r\n${`x-a: ${'a'.repeat(1_000)}\r\n`.repeat(20)}\r\n`)
    expect(await rig.send(endpoint)).toMatchObject({ kind: 'fault', code: 'too_large' })
    await endpoint.allClosed()
  })

  it.each(['SSH-2.0-OpenSSH_9.2\r\n', 'HTTP/1.1 abc\r\n\r\n'])(
    'that answers %j speaks no HTTP',
    async (answer) => {
      const endpoint = await rig.rude(answer)
      expect(await rig.send(endpoint)).toMatchObject({ kind: 'fault', code: 'protocol' })
      await endpoint.allClosed()
    },
  )

  it('that is not there is a fault that names no address', async () => {
    const endpoint = await rig.open(Endpoint.raw(() => {}))
    const { url } = endpoint
    const sender = rig.senderTo(endpoint)
    await endpoint.close()
    expect(await sender.send({ url, id: ID, body: BODY })).toMatchObject({
      kind: 'fault',
      code: 'connect',
      message: 'no connection: ECONNREFUSED',
    })
  })

  it('holds up no other delivery: 50 to it, and one to another', async () => {
    const stuck = await rig.rude('')
    const fine = await rig.open(Endpoint.http((_, response) => response.end()))
    const sender = rig.senderTo(stuck, { allowPorts: [stuck.port, fine.port] })
    const sendings = Array.from({ length: 50 }, () => sender.send({ url: stuck.url, id: ID, body: BODY }))
    expect(await sender.send({ url: fine.url, id: ID, body: BODY })).toMatchObject({ status: 200 })
    await stuck.requested(50)
    await rig.clock.advance(TIMEOUT_MS)
    const codes = (await Promise.all(sendings)).map((result) => 'code' in result && result.code)
    expect(new Set(codes)).toEqual(new Set(['timeout']))
    await stuck.allClosed()
    expect(stuck.connections).toBe(50)
    expect(rig.clock.pending).toBe(0)
  })
})
