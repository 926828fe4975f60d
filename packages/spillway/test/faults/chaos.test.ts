// Real processes under load, and one fault a cycle: intakes and workers killed or paused past their leases, connections cut at any byte
// or silent, the database killed. What callers were told is there afterwards, and took effect exactly once; what the counterpart was
// asked for is issued once, or undone; upstream knows how everything ended (I1, I2, I3, I6, I13, I18). `npm run chaos -- --cycles N`
// goes on for longer.

import { requireServer } from 'spillway-test-bed'
import { describe, expect, it, onTestFinished } from 'vitest'
import { seededRandom } from '../../src/testing/index.js'
import { ChaosFaults } from './chaos-faults.js'
import { ENGINES, type FaultEngine } from './engines.js'
import { Application } from './processes/application.js'
import { PROGRESS_COMMANDS, untilFurther } from './processes/progress.js'
import { expectNothingLostOrDoubled } from './processes/verdict.js'

const CYCLES: Readonly<Record<FaultEngine['kind'], number>> = { postgres: 100, mariadb: 25 }
const CYCLES_ASKED_FOR = Number(process.env.SPILLWAY_CHAOS_CYCLES ?? 0)
const SEED = Number(process.env.SPILLWAY_CHAOS_SEED ?? 1)
const PROCESSES = ['intake', 'intake', 'worker', 'worker', 'worker'] as const
const TRAFFIC = { batchMax: 12, pauseMs: 120, letterEvery: 4 }
/** A deck has every fault; fewer cycles may miss one. */
const DECK_CYCLES = 50
const CYCLE_MS_MAX = 10_000
const TIMEOUT_MS = 240_000

for (const engine of ENGINES) {
  const cycles = CYCLES_ASKED_FOR || CYCLES[engine.kind]
  requireServer(describe, engine.kind, { isPrivate: true })(`processes on ${engine.kind}`, () => {
    it(`survive ${cycles} faults, and nothing is lost or done twice`, {
      timeout: cycles * CYCLE_MS_MAX + TIMEOUT_MS,
    }, async ({ annotate }) => {
      const server = await engine.start({ fsync: true })
      onTestFinished(() => server.stop())
      const options = { isProxied: true, issuesLetters: true }
      const application = await Application.start(engine, server, PROCESSES, options)
      onTestFinished(() => application.end())
      const faults = new ChaosFaults(application, server, seededRandom(SEED))
      onTestFinished(() => faults.heal())
      const callers = application.startCallers(TRAFFIC)
      await untilFurther(application, callers)

      for (let cycle = 0; cycle < cycles; cycle += 1) {
        await faults.next()
        await untilFurther(application, callers)
      }
      await faults.heal()
      await application.finish(callers)
      const told = await expectNothingLostOrDoubled(application)

      expect(told.acknowledged).toBeGreaterThan(cycles * PROGRESS_COMMANDS)
      expect(told.unknown).toBeGreaterThan(0)
      if (cycles >= DECK_CYCLES) expect(Object.values(faults.counts)).not.toContain(0)
      for (const count of [told.letters.issued, told.letters.compensated, told.letters.completed])
        expect(count).toBeGreaterThan(0)
      await annotate(JSON.stringify({ seed: SEED, ...told, faults: faults.counts }))
    })
  })
}
