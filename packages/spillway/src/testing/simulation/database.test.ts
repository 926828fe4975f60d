import { describe, expect, it } from 'vitest'
import { isSpillwayError } from '../../errors/index.js'
import { memory, rowsOf } from '../../stores/memory/index.js'
import { seededRandom } from '../seeded-random.js'
import { VirtualClock } from '../virtual-clock.js'
import { Database } from './database.js'
import { dice } from './dice.js'
import { type FaultRates, NO_FAULTS } from './faults.js'
import { Life } from './life.js'
import { Recording } from './recording.js'

const DRAFT = {
  id: '019b76da000070008000000000000001',
  queue: 'main',
  type: 'work',
  priority: 0,
  partition: null,
  codec: 'json',
  body: '[1]',
  size: 1,
  keys: null,
  parked: null,
} as const

function connected(rates: Partial<FaultRates> = {}, appendsMayBeLost = true) {
  const clock = new VirtualClock()
  const store = memory({ clock })
  const recording = new Recording(clock)
  const database = new Database({
    ...{ store, clock, recording, appendsMayBeLost },
    dice: dice(seededRandom(1)),
    rates: { ...NO_FAULTS, slowMsMax: 50, ...rates },
    pauseMs: () => 500,
  })
  const life = new Life({
    process: 'p#1',
    clock,
    skewMs: 0,
    onCrash: () => recording.incident('p#1', 'fell'),
  })
  const told: string[] = []
  const append = (): void => {
    const appending = database.connect(life).append([DRAFT])
    void appending.then(
      () => told.push('ok'),
      (error: unknown) =>
        told.push(isSpillwayError(error) && error.details.outcome === 'unknown' ? 'unknown' : 'refused'),
    )
  }
  const stored = async (): Promise<number> => (await store.reader.accounting()).accepted
  return { clock, store, database, life, told, append, stored }
}

describe('Database', () => {
  it('answers when nothing is wrong, a little later', async () => {
    const { clock, append, told, stored } = connected()
    append()
    expect(await stored()).toBe(0)
    await clock.advance(10)
    expect(told).toEqual(['ok'])
    expect(await stored()).toBe(1)
  })

  it('fails before anything happened, and says so', async () => {
    const { clock, append, told, stored } = connected({ failBefore: 1 })
    append()
    await clock.advance(10)
    expect(told).toEqual(['refused'])
    expect(await stored()).toBe(0)
  })

  it('commits and leaves the outcome open', async () => {
    const { clock, append, told, stored } = connected({ failAfter: 1 })
    append()
    await clock.advance(10)
    expect(told).toEqual(['unknown'])
    expect(await stored()).toBe(1)
  })

  it('leaves the outcome open and commits when nobody waits for it any more', async () => {
    const { clock, append, told, stored } = connected({ failEarly: 1, slowMsMax: 1_000 })
    append()
    await clock.advance(5)
    expect([told, await stored()]).toEqual([['unknown'], 0])
    await clock.advance(1_000)
    expect([told, await stored()]).toEqual([['unknown'], 1])
  })

  it('loses the answers under way when it restarts, and refuses while it is down', async () => {
    const { clock, append, told, stored, database } = connected()
    append()
    database.stop()
    await clock.advance(10)
    append()
    await clock.advance(10)
    database.start()
    append()
    await clock.advance(10)
    expect(told).toEqual(['unknown', 'refused', 'ok'])
    expect(await stored()).toBe(1)
  })

  it('never leaves an append open where the store may have forgotten it', async () => {
    const { clock, append, told } = connected({ failAfter: 0.5, failEarly: 0.5 }, false)
    append()
    await clock.advance(60)
    expect(told).toEqual(['ok'])
  })

  it('kills the caller before its call is sent, or before it is answered', async () => {
    const before = connected({ crashBefore: 1 })
    before.append()
    await before.clock.advance(10)
    expect([before.told, before.life.over, await before.stored()]).toEqual([[], true, 0])
    const after = connected({ crashAfter: 1 })
    after.append()
    await after.clock.advance(10)
    expect([after.told, after.life.over, await after.stored()]).toEqual([[], true, 1])
  })

  it('does what was sent although its sender died meanwhile', async () => {
    const { clock, append, life, told, stored } = connected()
    append()
    void life.crash()
    await clock.advance(10)
    expect([told, await stored()]).toEqual([[], 1])
  })

  it('stops the caller during its call and lets it hear the answer when it resumes', async () => {
    const { clock, append, told, life } = connected({ pauseDuring: 1 })
    append()
    await clock.advance(10)
    expect([told, life.paused]).toEqual([[], true])
    await clock.advance(500)
    expect(told).toEqual(['ok'])
  })

  it('commits the transaction of a process that lives', async () => {
    const { clock, store, database, life } = connected()
    void database.connect(life).settleWithin([], (scope) => {
      void scope.write({ table: 't', columns: ['k'], key: ['k'], onConflict: 'ignore', rows: [[1]] })
      return []
    })
    await clock.advance(10)
    expect(rowsOf(store, 't')).toEqual([{ k: 1 }])
  })

  it('undoes a transaction whose process died inside it', async () => {
    const { clock, store, database, life } = connected()
    void database.connect(life).settleWithin([], (scope) => {
      void scope.write({ table: 't', columns: ['k'], key: ['k'], onConflict: 'ignore', rows: [[1]] })
      void life.crash()
      return []
    })
    await clock.advance(10)
    expect(life.over).toBe(true)
    expect(rowsOf(store, 't')).toEqual([])
  })
})
