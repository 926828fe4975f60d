import { expect, test } from 'vitest'
import { runLetters } from './command.js'

const LETTERS = 300
/** Ten starts of a process, leases that run out, and waits between attempts. */
const RUN_MS_MAX = 300_000
/** With this seed every kind of trouble is met. */
const TROUBLES = [
  'refusedAndRefunded',
  'givenUpAndRefunded',
  'reconciled',
  'pendingCompleted',
  'answersTooLate',
  'retries',
]

test(
  'through a flaky post office and SIGKILLs of the worker, every letter is issued once or refunded, and called back',
  async () => {
    const { exitCode, stdout, stderr } = await runLetters('--letters', String(LETTERS), '--crash', '--json')
    expect(stderr).toContain('worker killed when')
    expect(exitCode, stderr).toBe(0)
    expect(stdout.trimEnd().split('\n')).toHaveLength(1)
    const ledger = JSON.parse(stdout)
    expect(ledger).toMatchObject({
      ...{ letters: LETTERS, calledBack: LETTERS, duplicates: 0, dead: 0, faults: [] },
      ...{ workerKills: 2, postOfficeOutages: 2 },
    })
    expect(ledger.issued + ledger.refusedAndRefunded + ledger.givenUpAndRefunded - ledger.takenBack).toBe(
      LETTERS,
    )
    for (const kind of TROUBLES) expect(ledger[kind], kind).toBeGreaterThan(0)
    expect(ledger.callbacks).toBeGreaterThan(LETTERS)
  },
  RUN_MS_MAX,
)

test('a wrong flag is answered with the usage and exit code 2', async () => {
  const { exitCode, stdout, stderr } = await runLetters('--letters', 'many')
  expect(exitCode).toBe(2)
  expect(stdout).toBe('')
  expect(stderr).toContain('--letters: expected a whole number')
  expect(stderr).toContain('Usage:')
})
