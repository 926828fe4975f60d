import { expect, it } from 'vitest'
import { coalesced } from './coalesced-writes.js'
import type { Effect } from './effect.js'
import { makeEvents, type WatchEvent } from './watch-events.js'

interface Statement {
  readonly events: readonly WatchEvent[]
  readonly answer: (rows: number) => void
  readonly fail: (error: Error) => void
}

/** An effect whose statements are answered by the test, and a wait for the next of them. */
function heldEffect() {
  const statements: Statement[] = []
  const arrivals: ((statement: Statement) => void)[] = []
  const effect: Effect = {
    writeOne: () => Promise.reject(new Error('rows are not written one by one')),
    writeMany: (events) =>
      new Promise((answer, fail) => {
        const statement = { events, answer, fail }
        const arrival = arrivals.shift()
        if (arrival === undefined) statements.push(statement)
        else arrival(statement)
      }),
    close: async () => {},
  }
  const next = () =>
    new Promise<Statement>((arrival) => {
      const statement = statements.shift()
      if (statement === undefined) arrivals.push(arrival)
      else arrival(statement)
    })
  return { effect, next }
}

it('handlers that write at the same time share a statement', async () => {
  const { effect, next } = heldEffect()
  const { writeOne } = coalesced(effect)
  const events = makeEvents(0, 3)
  const written = Promise.all(events.map(writeOne))
  const statement = await next()
  expect(statement.events).toEqual(events)
  statement.answer(3)
  expect(await written).toEqual([1, 1, 1])
})

it('what arrives while two statements are under way goes with the next', async () => {
  const { effect, next } = heldEffect()
  const { writeOne } = coalesced(effect)
  const [a, b, c, d] = makeEvents(0, 4) as [WatchEvent, WatchEvent, WatchEvent, WatchEvent]
  const first = writeOne(a)
  const one = await next()
  const second = writeOne(b)
  const two = await next()
  const others = Promise.all([writeOne(c), writeOne(d)])
  one.answer(1)
  two.answer(1)
  const three = await next()
  expect(three.events).toEqual([c, d])
  three.answer(2)
  expect([await first, await second, await others]).toEqual([1, 1, [1, 1]])
})

it('a repeat among the rows of a statement is counted once', async () => {
  const { effect, next } = heldEffect()
  const { writeOne } = coalesced(effect)
  const written = Promise.all(makeEvents(0, 3).map(writeOne))
  ;(await next()).answer(2)
  const rows = await written
  expect(rows.reduce((sum, row) => sum + row, 0)).toBe(2)
})

it('a failed statement fails all its handlers, and the next goes on', async () => {
  const { effect, next } = heldEffect()
  const { writeOne } = coalesced(effect)
  const events = makeEvents(0, 2)
  const settled = Promise.allSettled(events.map(writeOne))
  ;(await next()).fail(new Error('gone'))
  expect((await settled).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  const again = writeOne(events[0] as WatchEvent)
  ;(await next()).answer(1)
  expect(await again).toBe(1)
})

it('what does not fit into one statement is written by several at once', async () => {
  const { effect, next } = heldEffect()
  const { writeOne } = coalesced(effect, { rowsMax: 2, writesAtOnce: 3 })
  const events = makeEvents(0, 5)
  const written = Promise.all(events.map(writeOne))
  const statements = [await next(), await next(), await next()]
  expect(statements.map((statement) => statement.events)).toEqual([
    events.slice(0, 2),
    events.slice(2, 4),
    events.slice(4),
  ])
  for (const { events: rows, answer } of statements) answer(rows.length)
  expect(await written).toEqual([1, 1, 1, 1, 1])
})
