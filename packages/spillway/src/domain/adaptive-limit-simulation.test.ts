import { describe, expect, it } from 'vitest'
import {
  type AdaptiveLimit,
  type AdaptiveLimitPolicy,
  DEFAULT_ADAPTIVE_LIMIT,
  observe,
  startLimit,
} from './adaptive-limit.js'
import type { LimitSample } from './limit-window.js'

const POLICY: AdaptiveLimitPolicy = { ...DEFAULT_ADAPTIVE_LIMIT, max: 100, initial: 10 }

/** A seeded generator in [0, 1): mulberry32. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

interface World {
  /** Calls served at once: beyond this knee they queue up. */
  readonly knee: number
  readonly serviceMs: (commands: number, random: () => number) => number
  readonly commands: (random: () => number) => number
  /** Calls at once that there is work for. */
  readonly demand: number
  readonly failing: (random: () => number) => LimitSample['outcome']
}

const STEADY: World = {
  knee: 16,
  serviceMs: () => 40,
  commands: () => 100,
  demand: 1_000,
  failing: () => 'ok',
}

interface Call {
  readonly endsAt: number
  readonly sample: LimitSample
}

/** A worker with `demand` calls to make against a downstream that serves `knee` calls at once, first come, first served. */
class Simulation {
  state: AdaptiveLimit
  now = 0
  readonly #policy: AdaptiveLimitPolicy
  readonly #random = seeded(7)
  #freeAt: number[] = []
  #calls: Call[] = []

  constructor(policy: AdaptiveLimitPolicy) {
    this.#policy = policy
    this.state = startLimit(policy, 0)
  }

  /** Returns the mean of the limit, weighted by time, and the calls that ended. */
  run(world: World, forMs: number): { meanLimit: number; calls: number } {
    const endAt = this.now + forMs
    let weighted = 0
    let calls = 0
    while (this.now < endAt) {
      while (this.#calls.length < Math.min(this.state.limit, world.demand)) this.#begin(world)
      const next = this.#calls.reduce((a, b) => (b.endsAt < a.endsAt ? b : a))
      this.#calls = this.#calls.filter((call) => call !== next)
      weighted += this.state.limit * (next.endsAt - this.now)
      this.now = next.endsAt
      this.state = observe(this.state, this.#policy, next.sample, this.now)
      calls++
    }
    return { meanLimit: weighted / (this.now - endAt + forMs), calls }
  }

  #begin(world: World): void {
    while (this.#freeAt.length < world.knee) this.#freeAt.push(0)
    this.#freeAt = this.#freeAt.sort((a, b) => a - b).slice(0, world.knee)
    const commands = world.commands(this.#random)
    const startsAt = Math.max(this.now, this.#freeAt[0] as number)
    const endsAt = startsAt + world.serviceMs(commands, this.#random)
    this.#freeAt[0] = endsAt
    const outcome = world.failing(this.#random)
    const sample = { durationMs: endsAt - this.now, commands, inFlight: this.#calls.length + 1, outcome }
    this.#calls.push({ endsAt, sample })
  }
}

const exponential = (random: () => number) => -Math.log(1 - random())

describe('the adaptive limit under lasting load', () => {
  for (const [knee, settleMs] of [
    [3, 120_000],
    [16, 50_000],
    [30, 30_000],
  ] as const) {
    it(`settles near a knee of ${knee} from below and from above, and stays`, () => {
      for (const initial of [1, 100]) {
        const simulation = new Simulation({ ...POLICY, initial })
        const world = { ...STEADY, knee }
        simulation.run(world, settleMs)
        const settled = simulation.run(world, 20_000)
        expect(settled.meanLimit).toBeGreaterThan(knee)
        // 1.5 times the knee, which is the tolerance, and its square root, which is the queue.
        expect(settled.meanLimit).toBeLessThan(1.5 * knee + 2 * Math.sqrt(2 * knee) + 1)
        expect(settled.calls).toBeGreaterThan(0.97 * knee * (20_000 / 40))
      }
    })
  }

  it('does not drift upwards as the hours go by', () => {
    const simulation = new Simulation(POLICY)
    const world = { ...STEADY, knee: 4 }
    simulation.run(world, 60_000)
    const early = simulation.run(world, 60_000).meanLimit
    simulation.run(world, 600_000)
    expect(simulation.run(world, 60_000).meanLimit).toBeLessThan(early * 1.1)
  })

  it('keeps the downstream busy when latency jitters', () => {
    const worlds: World[] = [
      { ...STEADY, serviceMs: (_commands, random) => 40 * exponential(random) },
      { ...STEADY, serviceMs: (_commands, random) => (random() < 0.1 ? 220 : 20) },
    ]
    for (const world of worlds) {
      const simulation = new Simulation(POLICY)
      simulation.run(world, 40_000)
      for (let round = 0; round < 5; round++) {
        const { calls, meanLimit } = simulation.run(world, 10_000)
        expect(meanLimit).toBeGreaterThan(16)
        expect(calls).toBeGreaterThan(0.9 * 16 * (10_000 / 40))
      }
    }
  })

  it('takes large batches for large and small ones for small', () => {
    const world: World = {
      ...STEADY,
      serviceMs: (commands) => 20 + commands / 2,
      commands: (random) => 1 + Math.floor(random() * 500),
    }
    const simulation = new Simulation(POLICY)
    simulation.run(world, 60_000)
    expect(simulation.run(world, 30_000).meanLimit).toBeGreaterThan(16)
    // At night batches shrink; by duration per command they are forty times slower.
    simulation.run({ ...world, commands: () => 1 }, 10_000)
    expect(simulation.run({ ...world, commands: () => 1 }, 10_000).meanLimit).toBeGreaterThan(16)
  })

  it('follows a downstream that loses capacity, and recovers with it', () => {
    const simulation = new Simulation(POLICY)
    simulation.run(STEADY, 60_000)
    simulation.run({ ...STEADY, knee: 2 }, 180_000)
    expect(simulation.state.limit).toBeLessThan(10)
    simulation.run(STEADY, 20_000)
    expect(simulation.run(STEADY, 20_000).calls).toBeGreaterThan(0.95 * 16 * (20_000 / 40))
  })
})

describe('errors and timeouts', () => {
  const failing = (share: number, outcome: 'error' | 'timeout'): World => ({
    ...STEADY,
    failing: (random) => (random() < share ? outcome : 'ok'),
  })

  it('bring the limit to its minimum when nearly everything fails, and it recovers afterwards', () => {
    for (const outcome of ['error', 'timeout'] as const) {
      const simulation = new Simulation(POLICY)
      simulation.run(STEADY, 20_000)
      simulation.run(failing(0.9, outcome), 30_000)
      expect(simulation.state).toMatchObject({ limit: 1, reason: outcome === 'error' ? 'errors' : 'timeout' })
      simulation.run(STEADY, 30_000)
      expect(simulation.state.estimate).toBeGreaterThan(16)
    }
  })

  it('do not bring it down when they are few and have nothing to do with the load', () => {
    const simulation = new Simulation(POLICY)
    simulation.run(failing(0.02, 'error'), 40_000)
    expect(simulation.run(failing(0.02, 'error'), 20_000).meanLimit).toBeGreaterThan(16)
  })

  it('take off a tenth when one is alone, and no more than a half at once', () => {
    const one = (outcome: LimitSample['outcome']) => ({ durationMs: 10, commands: 1, inFlight: 20, outcome })
    const start = startLimit({ ...POLICY, initial: 20 }, 0)
    const lone = observe(start, POLICY, one('error'), 1_000)
    expect(lone).toMatchObject({ limit: 18, reason: 'errors' })
    let storm = start
    for (let call = 0; call < 20; call++) storm = observe(storm, POLICY, one('timeout'), 1)
    expect(storm).toMatchObject({ limit: 10, reason: 'timeout' })
  })

  it('teach nothing about latency: a refused connection is quick', () => {
    const quick: LimitSample = { durationMs: 1, commands: 1, inFlight: 1, outcome: 'error' }
    const start = startLimit(POLICY, 0)
    expect(observe(start, POLICY, quick, 10).model).toEqual(start.model)
  })
})

describe('the ceiling', () => {
  it('holds latency down although the downstream was never faster', () => {
    const policy = { ...POLICY, latencyMaxMs: 60 }
    const simulation = new Simulation(policy)
    const world = { ...STEADY, knee: 2 }
    simulation.run(world, 30_000)
    expect(simulation.run(world, 30_000).meanLimit).toBeLessThan(4)
    expect(new Simulation(POLICY).run(world, 60_000).meanLimit).toBeGreaterThan(4)
  })

  it('says so', () => {
    let state = startLimit({ ...POLICY, initial: 20 }, 0)
    const policy = { ...POLICY, latencyMaxMs: 100 }
    for (let call = 0; call < 20; call++) {
      state = observe(state, policy, { durationMs: 125, commands: 1, inFlight: 20, outcome: 'ok' }, call)
    }
    expect(state).toMatchObject({ limit: 16, reason: 'ceiling' })
  })
})

describe('a limit that is not used', () => {
  it('neither grows nor dips nor shrinks for a slowness that is none of its doing', () => {
    const simulation = new Simulation({ ...POLICY, initial: 20 })
    const quiet = { ...STEADY, demand: 9 }
    simulation.run(quiet, 30_000)
    expect(simulation.state).toMatchObject({ limit: 20, estimate: 20, reason: null })
    simulation.run({ ...quiet, serviceMs: () => 400 }, 30_000)
    expect(simulation.state).toMatchObject({ limit: 20, estimate: 20, reason: null })
  })

  it('grows again from half of it in flight on', () => {
    const simulation = new Simulation({ ...POLICY, initial: 20 })
    simulation.run({ ...STEADY, knee: 100, demand: 10 }, 2_000)
    expect(simulation.state.estimate).toBeGreaterThan(20)
  })
})

describe('a dip', () => {
  it('comes every ten seconds at most, leaves a quarter and is over after ten light calls', () => {
    const simulation = new Simulation({ ...POLICY, initial: 29 })
    const limits: { at: number; isDip: boolean; limit: number; estimate: number }[] = []
    while (simulation.now < 60_000) {
      simulation.run(STEADY, 1)
      const { limit, estimate, dip } = simulation.state
      limits.push({ at: simulation.now, isDip: dip !== null, limit, estimate })
    }
    const dips = limits.filter((one) => one.isDip)
    for (const { limit, estimate } of dips) expect(limit).toBe(Math.floor(estimate / 4))
    const begins = limits.filter((one, index) => one.isDip && limits[index - 1]?.isDip === false)
    expect(begins.length).toBeGreaterThanOrEqual(4)
    expect(begins.length).toBeLessThanOrEqual(6)
    expect(dips.length / limits.length).toBeLessThan(0.05)
  })

  it('is the rarer the longer it takes, so that slow calls do not spend their time in dips', () => {
    const simulation = new Simulation(POLICY)
    const slow = { ...STEADY, knee: 8, serviceMs: () => 2_000 }
    simulation.run(slow, 1_200_000)
    expect(simulation.run(slow, 1_200_000).calls).toBeGreaterThan(0.97 * 8 * 600)
  })

  it('never goes below the minimum, and there is none where there is no room for one', () => {
    const policy = { ...POLICY, min: 8, max: 8 }
    const simulation = new Simulation(policy)
    while (simulation.now < 40_000) {
      simulation.run({ ...STEADY, knee: 2 }, 100)
      expect(simulation.state).toMatchObject({ limit: 8, dip: null })
    }
  })
})
