import { describe, expect, it } from 'vitest'
import { command } from '../../test/worker/worker-kit.js'
import { type ChunkMember, type Lease, notApplied, orderingKeyHash } from '../domain/index.js'
import { openLease } from './open-lease.js'

const lease = (over: Partial<Lease> = {}): Lease => ({
  ...{ chunkId: 'c', token: 1, queue: 'default', type: 'a', priority: 0, partition: null, codec: 'json' },
  ...{ tenant: null, stage: 'execute', blockers: null },
  ...{ body: '[10,11,12]', size: 3, skip: [], members: null, expiries: 0, cursor: null, createdAt: 5 },
  ...over,
})

const member = (over: Partial<ChunkMember> = {}): ChunkMember => ({
  ...{ id: 'p-0', attempts: 0, acceptedAt: 0, memo: null, place: null, orderingKey: null },
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
    const members = [0, 1, 2].map((at) => member({ id: `p-${at}`, attempts: at, acceptedAt: at }))
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
    expect(dead).toMatchObject([{ command: { index: 2, attempt: 2 } }])
  })

  it('never runs a command whose attempts were used up by crashes', () => {
    const { commands, dead } = open({ expiries: 1 }, 1)
    expect(commands).toEqual([])
    expect(dead).toMatchObject(
      [0, 1, 2].map((index) => ({
        command: { index, attempt: 1 },
        exception: { fault: 'permanent', error: { code: 'worker_crash' } },
      })),
    )
  })

  it('counts crashes on top of the attempts that a promoted command has behind it', () => {
    const members = [0, 3, 4].map((attempts, at) => member({ id: `p-${at}`, attempts }))
    const { commands, dead } = open({ members, expiries: 1 })
    expect(commands.map(({ id }) => id)).toEqual(['p-0', 'p-1'])
    expect(dead.map(({ command: { id, attempt } }) => [id, attempt])).toEqual([['p-2', 5]])
  })

  it('gives up on the command that was running alone when the worker died, and on no other', () => {
    const { commands, dead, pace } = open({ expiries: 3, cursor: 1 })
    expect(commands.map(({ index }) => index)).toEqual([0, 2])
    expect(dead).toMatchObject([
      { command: { index: 1, attempt: 3 }, exception: { error: { code: 'worker_crash' } } },
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
    expect(dead).toMatchObject(
      [1, 2].map((index) => ({
        command: { index, attempt: 0 },
        exception: { error: { code: 'internal', message: 'the body of its chunk cannot be decoded' } },
      })),
    )
  })

  it('does not execute a command whose type allows no further attempt any more', () => {
    const { commands, dead } = open({ members: [5, 4, 6].map((attempts) => member({ attempts })) })
    expect(commands.map(({ attempt }) => attempt)).toEqual([5])
    expect(dead.map(({ exception }) => exception.error.code)).toEqual([
      'attempts_used_up',
      'attempts_used_up',
    ])
  })

  it('says which commands an earlier execution may have begun', () => {
    expect(open().commands[0]?.resumed).toBeUndefined()
    expect(open({ expiries: 1 }).commands[0]?.resumed).toBe(true)
    expect(open({ size: 1, body: '[1]', members: [member()] }).commands[0]?.resumed).toBe(true)
  })

  it('says which commands may have happened under a worker that died, where their type can be asked', () => {
    const asking = { name: 'a', handle: () => undefined, reconcile: () => notApplied() }
    const doubtful = (over: Partial<Lease>, options: object = {}) =>
      openLease(lease(over), command({ ...asking, ...options })).commands.map(
        (each) => each.doubtful ?? false,
      )
    expect(doubtful({ expiries: 1 })).toEqual([true, true, true])
    expect(doubtful({})).toEqual([false, false, false])
    expect(doubtful({ expiries: 1 }, { settlement: 'transaction' })).toEqual([false, false, false])
    expect(open({ expiries: 1 }).commands.map((each) => each.doubtful)).toEqual([false, false, false])
  })
})

describe('a lease of another stage', () => {
  const tries = {
    name: 'a',
    handle: () => undefined,
    reconcile: () => notApplied(),
    compensate: () => undefined,
  }
  const of = (over: Partial<Lease>, members: readonly ChunkMember[]) =>
    openLease(
      lease({ ...over, members, size: members.length, body: JSON.stringify(members.map(() => 0)) }),
      command({ ...tries, reconciliation: { attempts: 4 }, compensation: { attempts: 3 } }),
    )

  it('counts no execution', () => {
    for (const stage of ['reconcile', 'poll', 'compensate'] as const)
      expect(of({ stage }, [member({ attempts: 5 })]).commands).toMatchObject([{ attempt: 5, resumed: true }])
  })

  it.each([
    ['reconcile', { reconciliations: 1 }, { reconciliations: 2 }],
    ['compensate', { compensations: 1 }, { compensations: 2 }],
    ['poll', { pendingUntil: 7 }, { pendingUntil: 7 }],
  ] as const)('counts a crash as a try of %s', (stage, before, after) => {
    const { commands, dead } = of({ stage, expiries: 1 }, [member({ memo: JSON.stringify(before) })])
    expect(dead).toEqual([])
    expect(JSON.parse(commands[0]?.memo ?? '')).toEqual(after)
  })

  it.each([
    ['reconcile', { reconciliations: 3 }],
    ['compensate', { compensations: 2 }],
  ] as const)('gives up once crashes have used up the tries of %s', (stage, memo) => {
    const { commands, dead } = of({ stage, expiries: 1 }, [
      member({ memo: JSON.stringify(memo), attempts: 2 }),
    ])
    expect(commands).toEqual([])
    expect(dead).toMatchObject([{ command: { attempt: 2 }, exception: { error: { code: 'worker_crash' } } }])
  })

  it('isolates what keeps crashing, and gives up on what died alone', () => {
    for (const stage of ['reconcile', 'poll', 'compensate'] as const) {
      const { dead, pace } = of({ stage, expiries: 3, cursor: 0 }, [member()])
      expect(pace).toBe('guarded')
      expect(dead).toHaveLength(1)
    }
  })
})

describe('the ordering keys of a lease', () => {
  const keyed = command({ name: 'a', handle: () => undefined, orderingKey: (payload) => String(payload) })

  it('are those of the payloads where the chunk has a partition', () => {
    const { commands } = openLease(lease({ partition: 3 }), keyed)
    expect(commands.map(({ orderingKey }) => orderingKey)).toEqual(['10', '11', '12'].map(orderingKeyHash))
  })

  it('are those of the rows where these have one', () => {
    const members = ['x', 'y', 'z'].map((orderingKey) => member({ orderingKey }))
    const { commands } = openLease(lease({ partition: 3, members }), keyed)
    expect(commands.map(({ orderingKey }) => orderingKey)).toEqual(['x', 'y', 'z'])
  })

  it('are none for a payload that their function throws for', () => {
    const throwing = command({
      ...{ name: 'a', handle: () => undefined },
      orderingKey: () => {
        throw new TypeError('no such property')
      },
    })
    const { commands } = openLease(lease({ partition: 3 }), throwing)
    expect(commands.map(({ orderingKey }) => orderingKey)).toEqual([null, null, null])
  })
})
