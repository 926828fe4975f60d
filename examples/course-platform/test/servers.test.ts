// The demo on a server instead of a file: the one option that changes.

import { expect, test } from 'vitest'
import { runDemo } from './command.js'
import { ENGINES } from './database.js'

const CLICKS = 2_000
const CRASH_CLICKS = 5_000
/** A dozen processes and thousands of commits, on whatever disk this runs. */
const RUN_MS_MAX = 300_000

for (const engine of ENGINES.filter(({ name }) => name !== 'SQLite')) {
  engine.describe(`--store on ${engine.name}`, () => {
    test(
      'lands every click once',
      async () => {
        const store = (await engine.server()) as string
        const args = ['--json', '--exit', '--no-patterns', '--clicks', String(CLICKS), '--store', store]
        const { exitCode, stdout, stderr } = await runDemo(...args)
        expect(stderr).toContain(`Course platform on Spillway and ${engine.name}`)
        expect(exitCode, stderr).toBe(0)
        expect(JSON.parse(stdout)).toMatchObject({
          accepted: CLICKS,
          landed: CLICKS,
          lost: 0,
          duplicateEffects: 0,
        })
      },
      RUN_MS_MAX,
    )

    test(
      'loses and repeats nothing by SIGKILLs',
      async () => {
        const store = (await engine.server()) as string
        const args = ['--crash', '--json', '--clicks', String(CRASH_CLICKS), '--store', store]
        const { exitCode, stdout, stderr } = await runDemo(...args)
        expect(exitCode, stderr).toBe(0)
        expect(JSON.parse(stdout)).toMatchObject({
          ...{ accepted: CRASH_CLICKS, landed: CRASH_CLICKS, lost: 0, duplicateEffects: 0, workerKills: 5 },
        })
      },
      RUN_MS_MAX,
    )
  })
}

test('a server that is not there is named without its password', async () => {
  const store = 'postgres://me:secret-word@127.0.0.1:1/platform'
  const { exitCode, stdout, stderr } = await runDemo('--clicks', '100', '--exit', '--store', store)
  expect(exitCode).toBe(1)
  expect(stderr).toContain('127.0.0.1:1')
  expect(stdout + stderr).not.toContain('secret-word')
})
