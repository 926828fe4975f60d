// Real processes under load, and one fault a cycle: intakes and workers killed or paused past their leases, connections cut at any byte
// or silent, the database killed. What callers were told is there afterwards, and took effect exactly once; what the counterpart was
// asked for is issued once, or undone; upstream knows how everything ended (I1, I2, I3, I6, I13, I18). `npm run chaos -- --cycles N`
// goes on for longer.

import { requireServer } from 'spillway-test-bed'
import { describe, expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../src/runtime/index.js'
import { seededRandom } from '../../src/testing/index.js'
import { ChaosFaults, DECK_CYCLES } from './chaos-faults.js'
import { ENGINES, type FaultEngine } from './engines.js'
import { Application } from './processes/application.js'
import { PROGRESS_COMMANDS, untilFurther } from './processes/progress.js'
import { expectNothingLostOrDoubled } from './processes/verdict.js'

interface Enough {
  readonly cycles: number
  readonly ms: number
  readonly commandsPerCycle: number
}

const QUICK: Enough = { cycles: DECK_CYCLES, ms: 0, commandsPerCycle: PROGRESS_COMMANDS }
/** At least a deck of faults, and at least so long, with so much done between two of them: a minute of work, not of starting processes. */
const ENOUGH: Readonly<Record<FaultEngine['kind'], Enough>> = {
  postgres: { cycles: DECK_CYCLES, ms: 60_000, commandsPerCycle: 300 },
  mariadb: { ...QUICK, cycles: Math.ceil(DECK_CYCLES / 2) },
}
const CYCLES_ASKED_FOR = Number(process.env.SPILLWAY_CHAOS_CYCLES ?? 0)
const SEED = Number(process.env.SPILLWAY_CHAOS_SEED ?? 1)
const PROCESSES = ['intake', 'intake', 'worker', 'worker', 'worker'] as const
/** Enough for everybody to have something in hand at any time, and little enough not to pile up where the machine is busy. */
const TRAFFIC = { batchMax: 8, pauseMs: 200, letterEvery: 4 }
const CYCLE_MS_MAX = 10_000
const TIMEOUT_MS = 240_000

for (const engine of ENGINES) {
  const enough = CYCLES_ASKED_FOR > 0 ? { ...QUICK, cycles: CYCLES_ASKED_FOR } : ENOUGH[engine.kind]
  requireServer(describe, engine.kind, { isPrivate: true })(`processes on ${engine.kind}`, () => {
    it(`survive ${enough.cycles} faults or more, for ${enough.ms / 1_000} s or longer, and nothing is lost or done twice`, {
      timeout: enough.cycles * CYCLE_MS_MAX + enough.ms + TIMEOUT_MS,
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

      const endsAt = systemClock.monotonic() + enough.ms
      let cycles = 0
      for (; cycles < enough.cycles || systemClock.monotonic() < endsAt; cycles += 1) {
        await faults.next()
        await untilFurther(application, callers, enough.commandsPerCycle)
      }
      await faults.heal()
      await application.finish(callers)
      const told = await expectNothingLostOrDoubled(application)

      expect(told.acknowledged).toBeGreaterThan(cycles * PROGRESS_COMMANDS)
      expect(told.unknown).toBeGreaterThan(0)
      if (cycles >= DECK_CYCLES) expect(Object.values(faults.counts)).not.toContain(0)
      for (const count of [told.letters.issued, told.letters.compensated, told.letters.completed])
        expect(count).toBeGreaterThan(0)
      await annotate(JSON.stringify({ seed: SEED, cycles, ...told, faults: faults.counts }))
    })
  })
}
