import { expect, test } from 'vitest'
import { runDemo } from './command.js'

const CLICKS = 20_000
/** Seven starts of a process, and leases that have to run out. */
const RUN_MS_MAX = 300_000

test(
  'SIGKILLs of the worker and of the intake lose nothing and repeat nothing',
  async () => {
    const { exitCode, stdout, stderr } = await runDemo('--crash', '--json', '--clicks', String(CLICKS))
    expect(stderr).toContain('worker killed at')
    expect(stderr).toContain('intake killed at')
    expect(exitCode).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      accepted: CLICKS,
      landed: CLICKS,
      lost: 0,
      duplicateEffects: 0,
      workerKills: 5,
      intakeKills: 1,
    })
  },
  RUN_MS_MAX,
)
