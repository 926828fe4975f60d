// The hand that breaks things from outside, at times of its own: processes die, stall and are redeployed, and the
// database restarts.

import type { Clock } from '../../ports/index.js'
import type { Database } from './database.js'
import type { Dice } from './dice.js'
import type { FaultRates } from './faults.js'
import type { SimProcess } from './sim-process.js'

const STORE_DOWN_MS_MAX = 400

export interface ChaosOptions {
  readonly processes: readonly SimProcess[]
  readonly database: Database
  readonly rates: FaultRates
  readonly clock: Clock
  readonly dice: Dice
  readonly pauseMs: () => number
}

export class Chaos {
  readonly #options: ChaosOptions
  #over = false

  constructor(options: ChaosOptions) {
    this.#options = options
    const { rates, dice, processes, database, clock, pauseMs } = options
    this.#every(rates.crashEveryMs, () => dice.pick(processes).crash())
    this.#every(rates.pauseEveryMs, () => dice.pick(processes).pause(pauseMs()))
    this.#every(rates.cutEveryMs, () => dice.pick(processes).cutOff(pauseMs()))
    this.#every(rates.stopEveryMs, () => void dice.pick(processes).redeploy())
    this.#every(rates.restartStoreEveryMs, () => {
      database.stop()
      clock.schedule(dice.between(0, STORE_DOWN_MS_MAX), () => database.start())
    })
  }

  heal(): void {
    this.#over = true
    this.#options.database.heal()
    for (const process of this.#options.processes) {
      process.resume()
      process.start()
    }
  }

  /** At random times with this mean distance. */
  #every(meanMs: number, strike: () => void): void {
    if (!Number.isFinite(meanMs)) return
    const { clock, dice } = this.#options
    clock.schedule(Math.ceil(-Math.log(1 - dice.random()) * meanMs), () => {
      if (this.#over) return
      strike()
      this.#every(meanMs, strike)
    })
  }
}
