import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '../testing/seeded-random.js'
import { VirtualClock } from '../testing/virtual-clock.js'
import { GroupCommit } from './group-commit.js'

interface Setup {
  readonly inFlightMax?: number
  readonly itemsMax?: number
  readonly bytesMax?: number
  readonly flushMs?: () => number
  readonly fails?: () => boolean
  readonly isToBeHalved?: (items: readonly number[]) => boolean
}

/** A coalescer of numbers over a sink that takes virtual time and remembers what it was given. */
function setUp({
  inFlightMax = 1,
  itemsMax = 1_000,
  bytesMax = 1_000_000,
  flushMs = () => 10,
  fails = () => false,
  isToBeHalved = () => false,
}: Setup) {
  const clock = new VirtualClock()
  const flushes: { readonly items: number[]; readonly startedAt: number }[] = []
  const answered: number[] = []
  const failed: number[] = []
  let active = 0
  let activeMax = 0
  const commit = new GroupCommit<number>({
    clock,
    inFlightMax,
    itemsMax,
    bytesMax,
    isToBeHalved,
    async flush(items) {
      flushes.push({ items: [...items], startedAt: clock.monotonic() })
      active += 1
      activeMax = Math.max(activeMax, active)
      await clock.sleep(flushMs())
      active -= 1
      if (fails()) throw new Error('sink failed')
      answered.push(...items)
    },
    onError(items) {
      failed.push(...items)
    },
  })
  return { clock, commit, flushes, answered, failed, activeMax: () => activeMax }
}

describe('GroupCommit', () => {
  it('writes in halves what would go alone, where asked to, and then each as it comes', async () => {
    let flushes = 0
    const setup = setUp({
      inFlightMax: 2,
      isToBeHalved: (items) => items.length >= 4,
      flushMs: () => {
        flushes += 1
        return 5 + flushes
      },
    })
    for (const item of [1, 2, 3, 4, 5]) setup.commit.add(item, 1)
    const drained = setup.commit.drain()
    await setup.clock.advance(6)
    expect(setup.answered).toEqual([1, 2])
    for (const item of [6, 7, 8, 9]) setup.commit.add(item, 1)
    await setup.clock.advance(1)
    expect(setup.answered).toEqual([1, 2, 3, 4, 5])
    await drained
    await setup.clock.advance(50)
    expect(setup.flushes.map(({ items }) => items)).toEqual([
      [1, 2],
      [3, 4, 5],
      [6, 7, 8, 9],
    ])
    expect([setup.commit.itemsPending, setup.commit.bytesPending]).toEqual([0, 0])
  })

  it('halves nothing where only one flush may go at once', async () => {
    const { clock, commit, flushes } = setUp({ isToBeHalved: () => true })
    for (const item of [1, 2, 3, 4]) commit.add(item, 1)
    await clock.advance(50)
    expect(flushes.map(({ items }) => items)).toEqual([[1, 2, 3, 4]])
  })

  it('flushes what one tick added together, and a lone item at once', async () => {
    const { clock, commit, flushes } = setUp({})
    commit.add(1, 1)
    commit.add(2, 1)
    await clock.advance(0)
    expect(flushes).toEqual([{ items: [1, 2], startedAt: 0 }])
    await clock.advance(100)
    commit.add(3, 1)
    await clock.advance(0)
    expect(flushes[1]).toEqual({ items: [3], startedAt: 100 })
  })

  it('gathers while a flush is in flight and flushes the gathered on its completion', async () => {
    const { clock, commit, flushes } = setUp({})
    commit.add(0, 1)
    await clock.advance(0)
    for (let item = 1; item <= 5; item += 1) {
      await clock.advance(1)
      commit.add(item, 1)
    }
    await clock.advance(20)
    expect(flushes).toEqual([
      { items: [0], startedAt: 0 },
      { items: [1, 2, 3, 4, 5], startedAt: 10 },
    ])
  })

  it('lets a second flush start while the first is in flight when two are allowed', async () => {
    const { clock, commit, flushes } = setUp({ inFlightMax: 2 })
    for (let item = 0; item < 3; item += 1) {
      commit.add(item, 1)
      await clock.advance(1)
    }
    await clock.advance(20)
    expect(flushes.map((flush) => flush.startedAt)).toEqual([0, 1, 10])
  })

  it('gives an item larger than bytesMax a flush of its own', async () => {
    const { clock, commit, flushes } = setUp({ bytesMax: 10 })
    commit.add(1, 4)
    commit.add(2, 50)
    commit.add(3, 6)
    commit.add(4, 4)
    await clock.advance(100)
    expect(flushes.map((flush) => flush.items)).toEqual([[1], [2], [3, 4]])
  })

  it('hands a failed flush to onError and goes on with the next', async () => {
    const fails = [false, true, false]
    const { clock, commit, answered, failed } = setUp({ itemsMax: 2, fails: () => fails.shift() === true })
    for (let item = 0; item < 6; item += 1) commit.add(item, 1)
    await clock.advance(100)
    expect(answered).toEqual([0, 1, 4, 5])
    expect(failed).toEqual([2, 3])
    expect([commit.itemsPending, commit.bytesPending]).toEqual([0, 0])
  })

  it('treats a flush that throws before its first await like one that rejects', async () => {
    const clock = new VirtualClock()
    const failed: number[] = []
    const commit = new GroupCommit<number>({
      clock,
      inFlightMax: 1,
      itemsMax: 1,
      bytesMax: 1,
      flush: () => {
        throw new Error('at once')
      },
      onError: (items) => failed.push(...items),
    })
    commit.add(1, 1)
    commit.add(2, 1)
    await clock.advance(0)
    expect(failed).toEqual([1, 2])
  })

  it('does not nest, however many flushes in a row throw at once', async () => {
    const clock = new VirtualClock()
    let failed = 0
    const commit = new GroupCommit<number>({
      clock,
      inFlightMax: 1,
      itemsMax: 1,
      bytesMax: 1,
      flush: () => {
        throw new Error('at once')
      },
      onError: () => {
        failed += 1
      },
    })
    for (let item = 0; item < 20_000; item += 1) commit.add(item, 1)
    await clock.advance(0)
    expect(failed).toBe(20_000)
  })

  it('drains when what was added before is flushed, not waiting for what is added meanwhile', async () => {
    const { clock, commit, answered } = setUp({})
    await commit.drain()
    commit.add(1, 1)
    await clock.advance(5)
    commit.add(2, 1)
    const answeredAtDrain = commit.drain().then(() => [...answered])
    commit.add(3, 1)
    await clock.advance(5)
    for (let item = 4; item < 9; item += 1) {
      commit.add(item, 1)
      await clock.advance(10)
    }
    expect(await answeredAtDrain).toEqual([1, 2, 3])
  })

  it('drains only after the slowest of several flushes in flight', async () => {
    const delays = [30, 5]
    const { clock, commit, answered } = setUp({
      inFlightMax: 2,
      itemsMax: 1,
      flushMs: () => delays.shift() ?? 1,
    })
    commit.add(1, 1)
    commit.add(2, 1)
    const answeredAtDrain = commit.drain().then(() => [...answered])
    await clock.advance(100)
    expect(await answeredAtDrain).toEqual([2, 1])
  })

  it('flushes every item exactly once and in order, within its caps, whatever fails', async () => {
    const runs = fc.record({
      seed: fc.integer(),
      inFlightMax: fc.integer({ min: 1, max: 4 }),
      itemsMax: fc.integer({ min: 1, max: 8 }),
      bytesMax: fc.integer({ min: 1, max: 40 }),
      bytes: fc.array(fc.integer({ min: 1, max: 50 }), { maxLength: 80 }),
    })
    await fc.assert(
      fc.asyncProperty(runs, async ({ seed, inFlightMax, itemsMax, bytesMax, bytes }) => {
        const random = seededRandom(seed)
        const run = setUp({
          inFlightMax,
          itemsMax,
          bytesMax,
          flushMs: () => Math.floor(random() * 8),
          fails: () => random() < 0.2,
        })
        for (const [item, size] of bytes.entries()) {
          run.commit.add(item, size)
          if (random() < 0.5) await run.clock.advance(Math.floor(random() * 4))
        }
        const drained = run.commit.drain()
        await run.clock.runUntilIdle()
        await drained

        const all = bytes.map((_, item) => item)
        expect(run.flushes.flatMap((flush) => flush.items)).toEqual(all)
        expect([...run.answered, ...run.failed].sort((a, b) => a - b)).toEqual(all)
        expect(run.activeMax()).toBeLessThanOrEqual(inFlightMax)
        for (const { items } of run.flushes) {
          expect(items.length).toBeLessThanOrEqual(itemsMax)
          const total = items.reduce((sum, item) => sum + (bytes[item] as number), 0)
          expect(items.length === 1 || total <= bytesMax).toBe(true)
        }
        expect([run.commit.itemsPending, run.commit.bytesPending]).toEqual([0, 0])
      }),
    )
  })
})
