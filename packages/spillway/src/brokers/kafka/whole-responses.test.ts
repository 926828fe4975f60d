import { Socket } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { byWholeResponses, inWholeResponses } from './whole-responses.js'

function response(body: Uint8Array): Buffer {
  const size = Buffer.alloc(4)
  size.writeInt32BE(body.length)
  return Buffer.concat([size, body])
}

function reading() {
  const given: Buffer[] = []
  const refusals: string[] = []
  const onData = byWholeResponses(
    (data) => given.push(data),
    (why) => refusals.push(why),
  )
  return { given, refusals, onData }
}

describe('what a broker sends', () => {
  it('is handed on by whole responses, however it comes, and nothing of one that is cut off', () => {
    const bodies = fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 8 })
    const steps = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(bodies, steps, fc.nat(23), (whole, sizes, cut) => {
        const { given, refusals, onData } = reading()
        const responses = whole.map(response)
        const begun = response(new Uint8Array(20)).subarray(0, cut)
        const sent = Buffer.concat([...responses, begun])
        for (let at = 0, step = 0; at < sent.length; step += 1) {
          const size = sizes[step % sizes.length] as number
          onData(sent.subarray(at, at + size))
          at += size
        }
        expect(Buffer.concat(given)).toEqual(Buffer.concat(responses))
        const ends = responses.map((_, n) => Buffer.concat(responses.slice(0, n + 1)).length)
        for (let n = 0, at = 0; n < given.length; n += 1) {
          at += given[n]?.length ?? 0
          expect(ends).toContain(at)
        }
        expect(refusals).toEqual([])
      }),
    )
  })

  it('is refused when it is something else than responses', () => {
    for (const words of [
      'HTTP/1.1 400 Bad Request',
      '-ERR unknown command',
      '\u0015\u0003\u0003\u0000\u0002',
      'ÿÿÿÿ',
    ]) {
      const { given, refusals, onData } = reading()
      onData(Buffer.from(words, 'latin1'))
      expect(given).toEqual([])
      expect(refusals).toEqual(['what answers is not a Kafka broker'])
    }
  })

  it('reaches the listeners of a socket that way, and ends a socket that speaks otherwise', async () => {
    const socket = inWholeResponses(new Socket())
    const given: Buffer[] = []
    socket.on('data', (data) => given.push(data as Buffer))
    const whole = response(Buffer.from('abc'))
    socket.emit('data', whole.subarray(0, 5))
    expect(given).toEqual([])
    socket.emit('data', whole.subarray(5))
    expect(given).toEqual([whole])
    const failed = new Promise((resolve) => socket.once('error', resolve))
    socket.emit('data', Buffer.from('HTTP/1.1'))
    expect(await failed).toMatchObject({ message: 'what answers is not a Kafka broker' })
  })
})
