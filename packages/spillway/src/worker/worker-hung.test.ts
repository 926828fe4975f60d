import { describe, expect, it } from 'vitest'
import { Bench, command, eventsOf, waitingCommand } from '../../test/worker/worker-kit.js'
import { HUNG_GRACE_MS } from './handler-call.js'

const LEASE_MS = 3_000

describe('a handler that ignores its timeout', () => {
  it('keeps its slot until its lease is fenced, then loses both', async () => {
    const { started, definition } = waitingCommand({ timeout: 1_000 })
    const bench = new Bench([definition], { leaseMs: LEASE_MS })
    const ids = [...(await bench.append('a', ['hangs'])), ...(await bench.append('a', ['next']))]
    const process = bench.start()
    await bench.clock.advance(1_000 + HUNG_GRACE_MS)
    expect(started.map(({ at }) => at)).toEqual(['hangs'])
    expect(started[0]?.signal.aborted).toBe(true)
    await bench.clock.advance(LEASE_MS + 100)
    expect(started.length).toBeGreaterThan(1)
    expect(eventsOf(process.events, 'lease.lost')).toMatchObject([{ reason: 'hung' }])
    expect(eventsOf(process.events, 'attempt.finished')).toMatchObject([{ outcome: 'lost', count: 1 }])
    expect((await bench.states(ids)).includes('succeeded')).toBe(false)
  })

  it('is not extended after the grace, and what it returns later is dropped', async () => {
    const { started, gates, definition } = waitingCommand({ timeout: 1_000 })
    const bench = new Bench([definition], { leaseMs: LEASE_MS })
    const ids = await bench.append('a', ['hangs'])
    const process = bench.start()
    await bench.clock.advance(1_000 + HUNG_GRACE_MS)
    const extended = (): unknown[] =>
      process.calls.extend.flatMap(([items]) =>
        (items as { token: number }[]).filter(({ token }) => token === 1),
      )
    const beats = extended().length
    for (let ms = 0; ms <= LEASE_MS + 200 && started.length < 2; ms += 100) await bench.clock.advance(100)
    expect(extended()).toHaveLength(beats)
    expect(started.map(({ attempt }) => attempt)).toEqual([1, 2])
    gates[0]?.open('from the dead')
    await bench.clock.advance(0)
    expect(await bench.states(ids)).toEqual(['running'])
    gates[1]?.open('second')
    await bench.clock.advance(100)
    expect(await bench.views(ids)).toMatchObject([{ state: 'succeeded', result: '"second"' }])
  })

  it('does not take what its neighbours in the chunk achieved with it', async () => {
    const { started, gates, definition } = waitingCommand({ timeout: 1_000 })
    const bench = new Bench([definition], { leaseMs: LEASE_MS, concurrency: 2 })
    const ids = await bench.append('a', ['hangs', 'good'])
    bench.start()
    await bench.clock.advance(500)
    gates[1]?.open('fine')
    await bench.clock.advance(500 + HUNG_GRACE_MS + LEASE_MS + 200)
    expect(started.map(({ at }) => at)).toEqual(['hangs', 'good', 'hangs'])
    expect((await bench.views(ids))[1]).toMatchObject({ state: 'succeeded', result: '"fine"' })
  })

  it('ends as dead after its attempts and does not hold slots forever', async () => {
    const seen: unknown[] = []
    const bench = new Bench(
      [
        command({
          name: 'a',
          timeout: 1_000,
          retry: { attempts: 3 },
          handle: (at) => {
            seen.push(at)
            return at === 'hangs' ? new Promise(() => {}) : undefined
          },
        }),
      ],
      { leaseMs: LEASE_MS },
    )
    const ids = await bench.append('a', ['hangs', 'good', 'fine'])
    bench.start()
    await bench.clock.advance(60_000)
    expect(await bench.states(ids)).toEqual(['dead', 'succeeded', 'succeeded'])
    expect(seen.filter((at) => at === 'hangs')).toHaveLength(3)
    const later = await bench.append('a', ['later'])
    await bench.clock.advance(200)
    expect(await bench.states(later)).toEqual(['succeeded'])
  })
})
