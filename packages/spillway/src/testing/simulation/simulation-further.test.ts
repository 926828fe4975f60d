import { describe, expect, it } from 'vitest'
import { SeedRange } from './seed-range.js'

const RANGE = new SeedRange({ from: 2_001, seeds: 2_000 })
/** A loaded machine needs its time; this is no measure of speed. */
const TIMEOUT_MS = 300_000

describe('the simulation, further on', () => {
  for (const start of RANGE.starts) {
    it(RANGE.title(start), { timeout: TIMEOUT_MS }, async () => {
      expect(await RANGE.failures(start)).toEqual([])
    })
  }

  it('has seen every fault and every interesting state at least once', { timeout: TIMEOUT_MS }, async () => {
    expect(await RANGE.neverSeen()).toEqual([])
  })
})
