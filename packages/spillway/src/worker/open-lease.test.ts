import { describe, expect, it } from 'vitest'
import { command } from '../../test/worker/worker-kit.js'
import type { Lease } from '../domain/index.js'
import { openLease } from './open-lease.js'

const lease = (over: Partial<Lease> = {}): Lease => ({
  ...{ chunkId: 'c', token: 1, queue: 'default', type: 'a', priority: 0, partition: null, codec: 'json' },
  ...{ body: '[10,11,12]', size: 3, skip: [], members: null, expiries: 0, cursor: null, createdAt: 5 },
  ...over,
})

const ofAttempts = (attempts: number) => command({ name: 'a', retry: { attempts }, handle: () => undefined })
const open = (over: Partial<Lease> = {}, attempts = 5) => openLease(lease(over), ofAttempts(attempts))

describe('openLease', () => {
  it('gives every command its id, payload and first attempt', () => {
    expect(open()).toEqual({
      pace: 'together',
      dead: [],
      commands: [10, 11, 12].map((payload, index) => ({
        id: `c-${index}`,
        index,
        payload,
        attempt: 1,
        acceptedAt: 5,
      })),
    })
  })

  it('leaves out what is finished or cancelled', () => {
    expect(open({ skip: [0, 2] }).commands.map(({ index }) => index)).toEqual([1])
  })

  it('continues the attempts of promoted commands under their own ids', () => {
    const members = [0, 1, 2].map((at) => ({ id: `p-${at}`, attempts: at, acceptedAt: at }))
    const { commands } = open({ members })
    expect(commands.map(({ id, attempt, acceptedAt }) => [id, attempt, acceptedAt])).toEqual([
      ['p-0', 1, 0],
      ['p-1', 2, 1],
      ['p-2', 3, 2],
    ])
  })

  it.each([
    [0, 1, 'together'],
    [1, 2, 'together'],
    [2, 3, 'guarded'],
    [7, 3, 'guarded'],
  ])('counts %i expired leases as attempt %i, %s', (expiries, attempt, pace) => {
    const opened = open({ expiries })
    expect(opened.commands.map((each) => each.attempt)).toEqual([attempt, attempt, attempt])
    expect(opened.pace).toBe(pace)
  })

  it('runs alone already after the first crash when only one more attempt is left', () => {
    expect(open({ expiries: 1 }, 2).pace).toBe('guarded')
    expect(open({ expiries: 0 }, 2).pace).toBe('together')
  })

  it('does not let the others pay for a command that died alone, however few attempts there are', () => {
    const { commands, dead } = open({ expiries: 3, cursor: 2 }, 2)
    expect(commands.map(({ index, attempt }) => [index, attempt])).toEqual([
      [0, 2],
      [1, 2],
    ])
    expect(dead).toMatchObject([{ update: { index: 2, attempts: 2 } }])
  })

  it('never runs a command whose attempts were used up by crashes', () => {
    const { commands, dead } = open({ expiries: 1 }, 1)
    expect(commands).toEqual([])
    expect(dead.map(({ update }) => update)).toEqual(
      [0, 1, 2].map((index) => ({
        ...{ index, state: 'dead', attempts: 1, delayMs: 0 },
        error: { code: 'worker_crash', message: expect.any(String) },
      })),
    )
  })

  it('counts crashes on top of the attempts that a promoted command has behind it', () => {
    const members = [0, 3, 4].map((attempts, at) => ({ id: `p-${at}`, attempts, acceptedAt: 0 }))
    const { commands, dead } = open({ members, expiries: 1 })
    expect(commands.map(({ id }) => id)).toEqual(['p-0', 'p-1'])
    expect(dead.map(({ command: { id }, update: { attempts } }) => [id, attempts])).toEqual([['p-2', 5]])
  })

  it('gives up on the command that was running alone when the worker died, and on no other', () => {
    const { commands, dead, pace } = open({ expiries: 3, cursor: 1 })
    expect(commands.map(({ index }) => index)).toEqual([0, 2])
    expect(dead.map(({ update }) => update)).toMatchObject([
      { index: 1, state: 'dead', attempts: 3, error: { code: 'worker_crash' } },
    ])
    expect(pace).toBe('guarded')
  })

  it('does not blame a command that was finished under the cursor', () => {
    const { commands, dead } = open({ expiries: 3, cursor: 1, skip: [1] })
    expect(commands.map(({ index }) => index)).toEqual([0, 2])
    expect(dead).toEqual([])
  })

  it.each([
    ['is no JSON', '[10,11'],
    ['is no array', '{"length":3}'],
    ['has another size', '[10,11]'],
  ])('ends every command of a chunk whose body %s, without quoting it', (_, body) => {
    const { commands, dead } = open({ body, skip: [0] })
    expect(commands).toEqual([])
    expect(dead.map(({ update }) => update)).toEqual(
      [1, 2].map((index) => ({
        ...{ index, state: 'dead', attempts: 0, delayMs: 0 },
        error: { code: 'internal', message: 'the body of its chunk cannot be decoded' },
      })),
    )
  })
})
