import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Endpoint } from '../../test/callbacks/endpoint.js'
import { BODY, ID, SenderRig } from '../../test/callbacks/sender-rig.js'

let rig: SenderRig
beforeEach(() => {
  rig = new SenderRig()
})
afterEach(() => rig.close())

describe('connections', () => {
  it('are used again, the one that was used last first', async () => {
    const endpoint = await rig.open(Endpoint.http((_, response) => response.end()))
    const sender = rig.senderTo(endpoint)
    for (let sent = 0; sent < 10; sent++) await sender.send({ url: endpoint.url, id: ID, body: BODY })
    expect(endpoint.connections).toBe(1)
  })

  it('are not used again after a minute, so that a host that has moved is found', async () => {
    const endpoint = await rig.open(Endpoint.http((_, response) => response.end()))
    const sender = rig.senderTo(endpoint)
    const payload = { url: endpoint.url, id: ID, body: BODY }
    await sender.send(payload)
    await rig.clock.advance(59_999)
    await sender.send(payload)
    expect(endpoint.connections).toBe(1)
    await rig.clock.advance(1)
    // This one still uses it, and is the last.
    await sender.send(payload)
    expect(endpoint.connections).toBe(1)
    await sender.send(payload)
    expect(endpoint.connections).toBe(2)
  })

  it('are not kept after a body that was not read to its end', async () => {
    const endpoint = await rig.open(Endpoint.http((_, response) => response.end('a'.repeat(100_000))))
    const sender = rig.senderTo(endpoint)
    for (let sent = 0; sent < 3; sent++) {
      expect(await sender.send({ url: endpoint.url, id: ID, body: BODY })).toMatchObject({ cut: 'size' })
      await endpoint.allClosed()
    }
    expect(endpoint.connections).toBe(3)
  })

  it('belong to one origin', async () => {
    const [one, other] = [
      await rig.open(Endpoint.http((_, response) => response.end('one'))),
      await rig.open(Endpoint.http((_, response) => response.end('other'))),
    ]
    const sender = rig.senderTo(one, { allowPorts: [one.port, other.port] })
    for (const [endpoint, snippet] of [
      [one, 'one'],
      [other, 'other'],
      [one, 'one'],
    ] as const) {
      expect(await sender.send({ url: endpoint.url, id: ID, body: BODY })).toMatchObject({ snippet })
    }
    expect([one.connections, other.connections]).toEqual([1, 1])
  })

  it('are kept up to a number while there is nothing to do', async () => {
    const waiting: (() => void)[] = []
    const endpoint = await rig.open(
      Endpoint.http((_, response) => {
        waiting.push(() => response.end())
        if (waiting.length === 70) for (const answer of waiting) answer()
      }),
    )
    const sender = rig.senderTo(endpoint)
    const payload = { url: endpoint.url, id: ID, body: BODY }
    await Promise.all(Array.from({ length: 70 }, () => sender.send(payload)))
    await endpoint.until(() => endpoint.open <= 64)
    expect(endpoint.open).toBe(64)
  })
})
