import type { FastifyRequest } from 'fastify'
import { describe, expect, it } from 'vitest'
import { VirtualClock } from '../testing/virtual-clock.js'
import { BodyDeadlines } from './body-deadlines.js'

const TIMEOUT_MS = 1_000

function watched() {
  const clock = new VirtualClock()
  const late: string[] = []
  const deadlines = new BodyDeadlines(clock, TIMEOUT_MS)
  const request = (name: string): FastifyRequest => ({ id: name }) as FastifyRequest
  return {
    clock,
    late,
    deadlines,
    expectBody: (each: FastifyRequest) => deadlines.expect(each, () => late.push(each.id)),
    request,
  }
}

describe('BodyDeadlines', () => {
  it('calls a body late after its time and at most a quarter more, once', async () => {
    const { clock, late, expectBody, request } = watched()
    expectBody(request('a'))
    await clock.advance(TIMEOUT_MS)
    expect(late).toEqual([])
    await clock.advance(TIMEOUT_MS / 4)
    expect(late).toEqual(['a'])
    await clock.advance(10 * TIMEOUT_MS)
    expect(late).toEqual(['a'])
  })

  it('gives every body its own time', async () => {
    const { clock, late, expectBody, request } = watched()
    expectBody(request('a'))
    await clock.advance(900)
    expectBody(request('b'))
    await clock.advance(400)
    expect(late).toEqual(['a'])
    await clock.advance(1_000)
    expect(late).toEqual(['a', 'b'])
  })

  it('forgets a body that arrived', async () => {
    const { clock, late, deadlines, expectBody, request } = watched()
    const body = request('a')
    expectBody(body)
    await clock.advance(900)
    deadlines.arrived(body)
    await clock.advance(10 * TIMEOUT_MS)
    expect(late).toEqual([])
  })

  it('starts anew with every piece of a stream', async () => {
    const { clock, late, deadlines, expectBody, request } = watched()
    const stream = request('a')
    for (let piece = 0; piece < 10; piece += 1) {
      expectBody(stream)
      await clock.advance(900)
      deadlines.arrived(stream)
    }
    expect(late).toEqual([])
    expectBody(stream)
    await clock.advance(2 * TIMEOUT_MS)
    expect(late).toEqual(['a'])
  })
})
