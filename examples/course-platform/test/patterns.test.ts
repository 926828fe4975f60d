// Every pattern that brings clicks to the database by way of something else, with real servers, and every part of it killed. The small
// numbers are for the time it takes; the demo does the same with more.

import { missingServer, requireServer } from 'spillway-test-bed'
import { beforeAll, describe, expect, test } from 'vitest'
import { type Finished, runDemo } from './command.js'

const CLICKS = 600
/** Dozens of processes and five servers, on whatever machine this runs. */
const RUN_MS_MAX = 600_000

const BROKERS = ['rabbitmq', 'nats', 'kafka', 'redis'] as const
const installed = BROKERS.filter((broker) => missingServer(broker) === null)

interface Loss {
  readonly answered: number
  readonly lost: number
}

requireServer(describe, 'postgres', { isPrivate: true })('with every part killed by SIGKILL', () => {
  let demo: Finished
  beforeAll(async () => {
    demo = await runDemo(
      ...['--json', '--exit', '--kills', '--clicks', String(CLICKS)],
      ...['--pattern', 'journal', '--patterns', ['journal', ...installed].join(',')],
    )
  }, RUN_MS_MAX)

  /** Parts of a pattern that were killed, with what was lost of what had been answered. */
  function lossesOf(name: string): Record<string, Loss> {
    expect(demo.exitCode, demo.stderr).toBe(0)
    const { patterns } = JSON.parse(demo.stdout) as {
      patterns: { pattern: string; losses: Record<string, Loss> }[]
    }
    return patterns.find(({ pattern }) => pattern === name)?.losses ?? {}
  }

  function losesNothing(name: string, parts: readonly string[]): void {
    const losses = lossesOf(name)
    expect(Object.keys(losses)).toEqual(parts)
    for (const { answered, lost } of Object.values(losses)) {
      expect(answered).toBeGreaterThan(0)
      expect(lost).toBe(0)
    }
  }

  test('a platform whose clicks travel by a journal lands each of them once', () => {
    expect(demo.exitCode, demo.stderr).toBe(0)
    expect(JSON.parse(demo.stdout)).toMatchObject({
      ...{ accepted: CLICKS, landed: CLICKS, lost: 0, duplicateEffects: 0, missing: [] },
    })
  })

  test('a journal and its agent lose nothing', () => {
    losesNothing('journal', ['app', 'agent', 'database'])
  })

  for (const broker of BROKERS) {
    requireServer(describe, broker)(`the broker ${broker}`, () => {
      test('loses nothing', () => losesNothing(broker, ['app', 'broker', 'database']))
    })
  }
})
