import { describe, expect, it } from 'vitest'
import { VoidRun, verify, verifyWritten } from './verify.js'
import { positionSum } from './watch-events.js'

const EVENTS = 2_000
const right = { rows: EVENTS, positionSum: positionSum(0, EVENTS) }
const written = (rows: number, repeats = 0) => ({ rows, repeats, lastAt: 0 })

describe('a run', () => {
  it('counts when the table holds every event once', () => {
    expect(() => verify(right, EVENTS, written(EVENTS))).not.toThrow()
  })

  it.each([
    ['a row is missing', { ...right, rows: EVENTS - 1 }, written(EVENTS), /1999 of 2000 rows/],
    [
      'a row is another one',
      { ...right, positionSum: positionSum(1, EVENTS) },
      written(EVENTS),
      /other rows/,
    ],
    ['a row was written twice', right, written(EVENTS, 1), /1 rows were written twice/],
    ['handlers wrote more than is there', right, written(EVENTS + 1), /2001 were written by handlers/],
  ])('is void when %s', (_, table, handlers, message) => {
    expect(() => verify(table, EVENTS, handlers)).toThrow(VoidRun)
    expect(() => verify(table, EVENTS, handlers)).toThrow(message)
  })

  it('on a backlog counts when what has landed is what handlers wrote', () => {
    expect(() => verifyWritten(17, written(17))).not.toThrow()
    expect(() => verifyWritten(16, written(17))).toThrow(VoidRun)
  })
})
