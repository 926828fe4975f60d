import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  charge,
  FAIR_TENANTS_MAX,
  type FairShare,
  NO_FAIR_SHARE,
  nextTenant,
  type WeightedTenant,
} from './fair-share.js'

const tenant = (name: string, weight = 1): WeightedTenant => ({ tenant: name, weight })

/** Serves one chunk after another; `watch` sees what each tenant had after each. */
function served(
  ready: readonly WeightedTenant[],
  chunks: readonly number[],
  from: FairShare = NO_FAIR_SHARE,
  watch: (had: ReadonlyMap<string, number>, total: number) => void = () => {},
): { state: FairShare; order: string[]; had: Map<string, number> } {
  let state = from
  let total = 0
  const order: string[] = []
  const had = new Map(ready.map((one) => [one.tenant, 0]))
  for (const commands of chunks) {
    const next = nextTenant(state, ready)
    if (next === null) throw new Error('nobody was next')
    state = charge(state, ready, next, commands)
    had.set(next.tenant, (had.get(next.tenant) ?? 0) + commands)
    order.push(next.tenant)
    total += commands
    watch(had, total)
  }
  return { state, order, had }
}

/** The most that any tenant was ever above, and below, the share of its weight. */
function deviations(
  ready: readonly WeightedTenant[],
  chunks: readonly number[],
): { above: number; below: number } {
  const weights = ready.reduce((sum, one) => sum + one.weight, 0)
  let above = 0
  let below = 0
  served(ready, chunks, NO_FAIR_SHARE, (had, total) => {
    for (const { tenant: name, weight } of ready) {
      const deviation = (had.get(name) ?? 0) - (total * weight) / weights
      above = Math.max(above, deviation)
      below = Math.max(below, -deviation)
    }
  })
  return { above, below }
}

const repeated = (commands: number, times: number) => Array.from({ length: times }, () => commands)

const tenants = fc
  .array(
    fc.oneof(
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 1_000 }),
      fc.double({ min: 0.1, max: 10, noNaN: true }),
    ),
    {
      minLength: 1,
      maxLength: 25,
    },
  )
  .map((weights) => weights.map((weight, index) => tenant(`t${index}`, weight)))

describe('the next tenant', () => {
  it('is nobody when nobody is ready', () => {
    expect(nextTenant(NO_FAIR_SHARE, [])).toBeNull()
  })

  it('is each in turn when all weigh the same', () => {
    expect(served([tenant('a'), tenant('b'), tenant('c')], repeated(10, 6)).order.join('')).toBe('abcabc')
  })

  it('alternates by weight rather than serving the heavy one en bloc', () => {
    expect(served([tenant('a', 2), tenant('b', 1)], repeated(10, 6)).order.join('')).toBe('abaaba')
    expect(served([tenant('a', 4), tenant('b', 1), tenant('c', 1)], repeated(10, 6)).order.join('')).toBe(
      'abaaca',
    )
  })

  it('counts commands, not chunks', () => {
    const large = tenant('large')
    const small = tenant('small')
    let state = NO_FAIR_SHARE
    const had = { large: 0, small: 0 }
    for (let chunk = 0; chunk < 2_200; chunk++) {
      const next = nextTenant(state, [large, small]) === large ? 'large' : 'small'
      const commands = next === 'large' ? 1_000 : 100
      had[next] += commands
      state = charge(state, [large, small], next === 'large' ? large : small, commands)
    }
    expect(Math.abs(had.large - had.small)).toBeLessThanOrEqual(1_000)
  })

  it('returns the very entry it was given, whatever the tenant is called', () => {
    for (const name of ['__proto__', 'constructor', '']) {
      const ready = [
        { ...tenant(name), oldestAt: 5 },
        { ...tenant('b'), oldestAt: 7 },
      ]
      expect(nextTenant(NO_FAIR_SHARE, ready)).toBe(ready[0])
      expect(served(ready, repeated(1, 4)).order).toEqual([name, 'b', name, 'b'])
    }
  })

  it('keeps every tenant within one chunk of its share at every moment, if all are always ready', () => {
    const sizes = fc.integer({ min: 1, max: 1_000 })
    fc.assert(
      fc.property(tenants, sizes, fc.integer({ min: 1, max: 300 }), (ready, commands, times) => {
        const { above, below } = deviations(ready, repeated(commands, times))
        expect(Math.max(above, below)).toBeLessThanOrEqual(commands * 1.000001)
      }),
    )
  })

  it('gives nobody more than its share and one chunk where chunks differ in size', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 1_000 }), { minLength: 100, maxLength: 200 })
    fc.assert(
      fc.property(tenants, sizes, (ready, chunks) => {
        const { above, below } = deviations(ready, chunks)
        expect(above).toBeLessThanOrEqual(Math.max(...chunks) * 1.000001)
        expect(below).toBeLessThanOrEqual(Math.max(...chunks) * ready.length)
      }),
    )
  })
})

describe('a tenant that was away', () => {
  it('gets no credit for the time it wanted nothing', () => {
    const [a, b] = [tenant('a'), tenant('b')]
    const before = served([a, b], repeated(10, 10)).state
    const alone = served([a], repeated(10, 1_000), before).state
    const { had } = served([a, b], repeated(10, 20), alone)
    expect(Math.abs((had.get('a') ?? 0) - (had.get('b') ?? 0))).toBeLessThanOrEqual(10)
  })

  it('does not lose what it had too much of by leaving for a moment', () => {
    const [a, b] = [tenant('a'), tenant('b')]
    const ahead = charge(NO_FAIR_SHARE, [a, b], a, 1_000)
    const state = charge(ahead, [b], b, 10)
    expect(served([a, b], repeated(10, 99), state).order).toEqual(repeated(10, 99).map(() => 'b'))
    expect(served([a, b], repeated(10, 100), state).order.at(-1)).toBe('a')
  })

  it('never gets more than its share and one chunk afterwards, however tenants come and go', () => {
    const rounds = fc.array(fc.subarray(['a', 'b', 'c', 'd'], { minLength: 1 }), { maxLength: 60 })
    fc.assert(
      fc.property(rounds, (comings) => {
        let state = NO_FAIR_SHARE
        for (const names of comings)
          state = served(
            names.map((name) => tenant(name)),
            [100],
            state,
          ).state
        const all = ['a', 'b', 'c', 'd'].map((name) => tenant(name))
        const totals = served(all, repeated(100, 40), state).had
        // Whoever is ahead waits for the others; nobody who was behind rushes on beyond them.
        const had = [...totals.values()].sort((x, y) => x - y)
        const lead = Math.max(0, ...state.ahead.values())
        expect((had.at(-1) ?? 0) - (had[0] ?? 0)).toBeLessThanOrEqual(lead + 200)
      }),
    )
  })
})

describe('what is remembered', () => {
  it('are only tenants that are ahead, a thousand at most', () => {
    const level = served([tenant('a'), tenant('b')], repeated(10, 2)).state
    expect(level.ahead.size).toBe(0)
    let state = NO_FAIR_SHARE
    const behind = tenant('behind')
    for (let index = 0; index < FAIR_TENANTS_MAX + 50; index++) {
      const one = tenant(`t${index}`)
      state = charge(state, [behind, one], one, 10)
    }
    expect(state.ahead.size).toBe(FAIR_TENANTS_MAX)
    expect(state.ahead.has('behind')).toBe(false)
    expect(state.ahead.has('t49')).toBe(false)
    expect(state.ahead.has('t50')).toBe(true)
  })

  it('stays small in numbers too, after many chunks', () => {
    const ready = [tenant('a', 0.3), tenant('b', 0.7), tenant('c', 1.1)]
    let state = NO_FAIR_SHARE
    for (let chunk = 0; chunk < 20_000; chunk++) {
      state = charge(state, ready, nextTenant(state, ready) ?? tenant('nobody'), 100)
    }
    expect(Math.max(0, ...state.ahead.values())).toBeLessThanOrEqual(1_000)
    expect(state.ahead.has('nobody')).toBe(false)
  })
})
