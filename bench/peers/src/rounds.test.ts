import { describe, expect, it } from 'vitest'
import { takeTurns } from './rounds.js'

/** Runs with these figures one after the other; null = the run fails. */
function contestant(label: string, figures: readonly (number | null)[], log: string[]) {
  const left = [...figures]
  return {
    label,
    async run() {
      log.push(label)
      const rate = left.shift() ?? null
      if (rate === null) throw new Error(`${label} lost a row`)
      return { rate }
    },
  }
}

describe('contestants', () => {
  it('take turns within every round, and their medians count', async () => {
    const log: string[] = []
    const said: string[] = []
    const sides = [contestant('a', [1, 9, 2], log), contestant('b', [5, 6, 7], log)]
    const results = await takeTurns(sides, 3, (text) => said.push(text))
    expect(log).toEqual(['a', 'b', 'a', 'b', 'a', 'b'])
    expect(said[3]).toBe('round 2 of 3: b')
    expect(results.map(({ figures }) => figures?.rate)).toEqual([2, 6])
  })

  it('have no figure of a run that failed, and it says why', async () => {
    const [result] = await takeTurns([contestant('a', [null, 4, null], [])], 3, () => {})
    expect(result).toMatchObject({ figures: { rate: 4 }, runs: [{ rate: 4 }] })
    expect(result?.voids).toEqual(['a lost a row', 'a lost a row'])
  })

  it('of whom every run failed have no figures at all', async () => {
    const [result] = await takeTurns([contestant('a', [null], [])], 1, () => {})
    expect(result?.figures).toBeNull()
  })
})
