import { describe, expect, it } from 'vitest'
import type { SettledEvent, TelemetryEvent } from '../ports/index.js'
import { CommandEvents } from './command-events.js'

function setUp() {
  const faults: TelemetryEvent[] = []
  return { events: new CommandEvents({ record: (event) => faults.push(event) }), faults }
}

function event(id: string, fields: Partial<SettledEvent> = {}): SettledEvent {
  return { id, type: 'click', queue: 'default', state: 'succeeded', attempts: 1, error: null, ...fields }
}

async function take(iterable: AsyncIterable<{ id: string; dropped: number }>, count: number) {
  const taken: [id: string, dropped: number][] = []
  for await (const { id, dropped } of iterable) {
    taken.push([id, dropped])
    if (taken.length === count) break
  }
  return taken
}

describe('CommandEvents', () => {
  it('listens only while somebody does', () => {
    const { events } = setUp()
    expect(events.listening()).toBe(false)
    const off = events.on('dead', () => undefined)
    expect(events.listening()).toBe(true)
    off()
    expect(events.listening()).toBe(false)
    const controller = new AbortController()
    events.events({ signal: controller.signal })
    expect(events.listening()).toBe(true)
    controller.abort()
    expect(events.listening()).toBe(false)
  })

  it('tells listeners of their state alone', () => {
    const { events } = setUp()
    const heard: string[] = []
    events.on('dead', ({ id }) => heard.push(id))
    events.settled([event('a'), event('b', { state: 'dead' })])
    expect(heard).toEqual(['b'])
  })

  it("tells of Spillway's own commands only who names their type", async () => {
    const { events } = setUp()
    const heard: string[] = []
    events.on('succeeded', ({ id }) => heard.push(id))
    const [all, named] = [events.events(), events.events({ types: ['spillway.callback'] })]
    events.settled([event('own', { type: 'spillway.callback' }), event('a')])
    expect(heard).toEqual(['a'])
    expect(await take(all, 1)).toEqual([['a', 0]])
    expect(await take(named, 1)).toEqual([['own', 0]])
  })

  it('lets one function listen twice and stop once', () => {
    const { events } = setUp()
    let heard = 0
    const listener = () => {
      heard += 1
    }
    const off = events.on('succeeded', listener)
    events.on('succeeded', listener)
    off()
    off()
    events.settled([event('a')])
    expect(heard).toBe(1)
  })

  it('counts a listener that throws and goes on to the next', () => {
    const { events, faults } = setUp()
    const heard: string[] = []
    events.on('succeeded', () => {
      throw new Error('mine')
    })
    events.on('succeeded', ({ id }) => heard.push(id))
    events.settled([event('a')])
    expect(heard).toEqual(['a'])
    expect(faults).toMatchObject([{ event: 'fault', where: 'listener for succeeded commands' }])
  })

  it('refuses a state that is none', () => {
    const { events } = setUp()
    expect(() => events.on('finished' as never, () => undefined)).toThrow(/expected one of accepted/)
    expect(() => events.on('dead', 'no' as never)).toThrow(/give a function/)
    expect(() => events.events({ buffer: 0 })).toThrow(/from 1 to/)
  })

  it('hands a reader what comes, before and after it asks', async () => {
    const { events } = setUp()
    const iterable = events.events()
    events.settled([event('a')])
    const taken = take(iterable, 2)
    await Promise.resolve()
    events.settled([event('b')])
    expect(await taken).toEqual([
      ['a', 0],
      ['b', 0],
    ])
    expect(events.listening()).toBe(false)
  })

  it('filters by type and state', async () => {
    const { events } = setUp()
    const iterable = events.events({ types: ['letter'], states: ['dead'] })
    events.settled([event('a', { state: 'dead' }), event('b', { type: 'letter' })])
    events.settled([event('c', { type: 'letter', state: 'dead' })])
    expect(await take(iterable, 1)).toEqual([['c', 0]])
  })

  it('drops the oldest for a slow reader and says how many', async () => {
    const { events } = setUp()
    const iterable = events.events({ buffer: 3 })
    events.settled(['a', 'b', 'c', 'd', 'e'].map((id) => event(id)))
    expect(await take(iterable, 3)).toEqual([
      ['c', 2],
      ['d', 0],
      ['e', 0],
    ])
  })

  it('ends every reader when it is closed, after what is buffered', async () => {
    const { events } = setUp()
    const waiting = take(events.events(), 5)
    const buffered = events.events()
    await Promise.resolve()
    events.settled([event('a')])
    events.close()
    expect(await waiting).toEqual([['a', 0]])
    expect(await take(buffered, 5)).toEqual([['a', 0]])
    expect(await take(events.events(), 1)).toEqual([])
  })
})
