import { describe, expect, it } from 'vitest'
import type { Lease } from '../domain/index.js'
import type { ClaimRequest } from '../ports/index.js'
import { seededRandom } from '../testing/seeded-random.js'
import { VirtualClock } from '../testing/virtual-clock.js'
import { Claimer, type OwnAppends } from './claimer.js'

const CALL_SIZE = 1_000
const WAIT_MS = 10
const POLL_MS = 100

/** A claimer over a store that has as much as `stored` says, of which each claim takes what it asked for. */
function bench(options: { stored?: number; ownAppends?: (clock: VirtualClock) => OwnAppends } = {}) {
  const { stored = 0 } = options
  const clock = new VirtualClock()
  const ownAppends = options.ownAppends?.(clock)
  const startedAt = clock.monotonic()
  const claims: { readonly at: number; readonly asked: number; readonly found: number }[] = []
  const bed = { stored, claims, clock }
  const claimer = new Claimer({
    clock,
    ownAppends,
    random: seededRandom(1),
    telemetry: { record: () => {} },
    pollMs: POLL_MS,
    lingerMs: WAIT_MS,
    lingerCommands: CALL_SIZE,
    request: (): ClaimRequest => ({
      ...{ queue: 'q', types: ['a'], workerId: 'w', leaseMs: 30_000 },
      ...{ chunksMax: 64, commandsMax: 4 * CALL_SIZE },
    }),
    onLeases: () => {},
    source: {
      async claim({ commandsMax }) {
        const found = Math.min(bed.stored, commandsMax)
        bed.stored -= found
        claims.push({ at: clock.monotonic() - startedAt, asked: commandsMax, found })
        return found === 0 ? [] : [{ size: found, skip: [] as number[] } as unknown as Lease]
      },
    },
  })
  const announce = (commands: number): void => {
    bed.stored += commands
    claimer.announce(commands)
  }
  /** Lets it find these at once, as after a pause. */
  const find = async (commands: number): Promise<void> => {
    announce(commands)
    await clock.advance(0)
    claims.length = 0
  }
  return { ...bed, bed, claimer, announce, find, since: () => clock.monotonic() - startedAt }
}

describe('a claimer that just found work', () => {
  it('lets more gather for the whole wait where much is coming', async () => {
    const { clock, claims, announce, find, since } = bench()
    await find(256)
    const from = since()
    announce(256)
    await clock.advance(WAIT_MS)
    expect(claims).toMatchObject([{ at: from + WAIT_MS, found: 256 }])
  })

  it('waits for half as long where little is coming', async () => {
    const { clock, claims, announce, find, since } = bench()
    await find(1)
    const from = since()
    announce(1)
    await clock.advance(WAIT_MS)
    expect(claims).toMatchObject([{ at: from + WAIT_MS / 2, found: 1 }])
  })

  it('waits no more when another announcement like the last would not fit a call', async () => {
    const { clock, claims, announce, find } = bench()
    await find(256)
    announce(300)
    announce(300)
    await clock.advance(0)
    expect(claims).toEqual([])
    announce(300)
    await clock.advance(0)
    expect(claims).toMatchObject([{ found: 900 }])
  })
})

describe('a claimer with a backlog', () => {
  it('takes as much as there is room for while this process submits nothing', async () => {
    const { clock, claims, claimer } = bench({
      stored: 9_000,
      ownAppends: () => ({ commands: 0, lastAt: Number.NEGATIVE_INFINITY }),
    })
    claimer.consider()
    await clock.advance(0)
    expect(claims.map(({ found }) => found)).toEqual([4_000, 4_000, 1_000])
  })

  it('takes one call at a time, a quarter faster than this process submits', async () => {
    const own = { commands: 0, lastAt: 0 }
    const { clock, claims, announce, claimer, bed } = bench({ stored: 100_000, ownAppends: () => own })
    claimer.consider()
    for (let append = 0; append < 40; append += 1) {
      own.lastAt = clock.monotonic()
      own.commands += 200
      announce(200)
      await clock.advance(5)
    }
    expect(claims.every(({ found }) => found === CALL_SIZE)).toBe(true)
    expect(claims.length).toBeGreaterThanOrEqual(10)
    expect(claims.length).toBeLessThanOrEqual(11)
    expect(bed.stored).toBe(108_000 - claims.length * CALL_SIZE)
  })

  it('goes on at once when the submits pause', async () => {
    const { clock, claims, claimer } = bench({
      stored: 5_000,
      ownAppends: (since) => ({ commands: 0, lastAt: since.monotonic() }),
    })
    claimer.consider()
    await clock.advance(0)
    expect(claims.map(({ found }) => found)).toEqual([1_000])
    await clock.advance(20)
    expect(claims.map(({ found }) => found)).toEqual([1_000, 4_000, 0])
  })

  it('claims with every poll although an append takes for ever', async () => {
    const { clock, claims, claimer } = bench({
      stored: 5_000,
      ownAppends: (running) => ({
        commands: 0,
        get lastAt() {
          return running.monotonic()
        },
      }),
    })
    claimer.consider()
    await clock.advance(3 * POLL_MS)
    expect(claims.map(({ found }) => found)).toEqual([1_000, 1_000, 1_000, 1_000])
  })
})
