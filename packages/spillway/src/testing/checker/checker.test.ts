import { describe, expect, it } from 'vitest'
import { checkHistory } from './check-history.js'
import { corruptions } from './corruptions/index.js'
import { doubtAndAnswer, heldUp, undoing } from './sample-bad-days.js'
import { ledger, openOutcomes, partitioned, retriesAndCrashes, settledAtOnce } from './sample-histories.js'
import { CHECKED } from './violation.js'

const VALID = {
  ...{ ledger, retriesAndCrashes, partitioned, openOutcomes, settledAtOnce },
  ...{ doubtAndAnswer, undoing, heldUp },
}

describe('checkHistory', () => {
  for (const [name, tell] of Object.entries(VALID)) {
    it(`finds nothing in a valid history: ${name}`, () => {
      expect(checkHistory(tell())).toEqual([])
    })
  }

  for (const { invariant, what, spoil } of corruptions) {
    it(`${invariant} notices that ${what}`, () => {
      const found = checkHistory(spoil()).map((violation) => violation.invariant)
      expect(found).toContain(invariant)
    })
  }

  it('is tried with at least 50 corruptions, at least two of every invariant', () => {
    expect(corruptions.length).toBeGreaterThanOrEqual(50)
    for (const invariant of CHECKED) {
      expect(
        corruptions.filter((corruption) => corruption.invariant === invariant).length,
      ).toBeGreaterThanOrEqual(2)
    }
  })

  it('gives the same verdict twice and leaves the history as it was', () => {
    const history = ledger()
    const before = JSON.stringify(history)
    expect(checkHistory(history)).toEqual(checkHistory(history))
    expect(JSON.stringify(history)).toBe(before)
  })

  it('names the subject and the time of a violation, the earliest first', () => {
    const history = corruptions.find(({ what }) => what.startsWith('a token is used twice'))?.spoil()
    const violations = checkHistory(history ?? ledger())
    expect(violations[0]?.subject).toMatch(/^[0-9a-f]{32}/)
    expect(violations.map(({ at }) => at)).toEqual(violations.map(({ at }) => at).sort((a, b) => a - b))
  })
})
