// Workers and intakes are killed at random under load, one after the other and several at once. What callers were told is
// there afterwards, and took effect exactly once (I1, I2, I3, I6, I18). SPILLWAY_CHAOS_MS says for how long; `npm run chaos` takes a
// minute for each server.

import { requireServer } from 'spillway-test-bed'
import { describe, expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../src/runtime/index.js'
import { seededRandom } from '../../src/testing/index.js'
import { ENGINES } from './engines.js'
import { Application } from './processes/application.js'
import { expectNothingLostOrDoubled } from './processes/verdict.js'

const CHAOS_MS = Number(process.env.SPILLWAY_CHAOS_MS ?? 6_000)
const SEED = Number(process.env.SPILLWAY_CHAOS_SEED ?? 1)
const PROCESSES = ['intake', 'intake', 'worker', 'worker', 'worker'] as const
const BETWEEN_MS = { min: 100, max: 900 }
const KILLS_MIN = CHAOS_MS / 3_000
/** On a machine where starting takes long, whoever runs is left alone for longer: there has to be a load to be killed in. */
const RUNNING_MIN = 3
const TIMEOUT_MS = 240_000

for (const engine of ENGINES) {
  requireServer(describe, engine.kind, { isPrivate: true })(`processes on ${engine.kind}`, () => {
    it('are killed at random, and nothing is lost or done twice', {
      timeout: CHAOS_MS + TIMEOUT_MS,
    }, async ({ annotate }) => {
      const server = await engine.start({ fsync: true })
      onTestFinished(() => server.stop())
      const application = await Application.start(engine, server, PROCESSES)
      onTestFinished(() => application.end())
      const callers = application.startCallers()
      await callers.untilMore(1)

      const kills = await killAtRandom(application)
      await callers.untilMore(100)
      await application.finish(callers)
      const told = await expectNothingLostOrDoubled(application)
      expect(kills).toBeGreaterThanOrEqual(KILLS_MIN)
      expect(told.acknowledged).toBeGreaterThan(100)
      expect(told.unknown).toBeGreaterThan(0)
      await annotate(`${kills} kills, ${told.acknowledged} acknowledged, ${told.unknown} unanswered`)
    })
  })
}

/** Whoever is being started is spared. Returns how many were killed. */
async function killAtRandom(application: Application): Promise<number> {
  const random = seededRandom(SEED)
  const until = systemClock.now() + CHAOS_MS
  const starting = new Map<string, Promise<unknown>>()
  let kills = 0
  while (systemClock.now() < until) {
    const running = application.posts.filter(({ name }) => !starting.has(name))
    const victim = running[Math.floor(random() * running.length)]
    if (victim !== undefined && running.length >= RUNNING_MIN) {
      kills += 1
      const { name } = victim
      starting.set(
        name,
        application.replace(victim).finally(() => starting.delete(name)),
      )
    }
    await systemClock.sleep(BETWEEN_MS.min + random() * (BETWEEN_MS.max - BETWEEN_MS.min))
  }
  await Promise.all(starting.values())
  return kills
}
