// What befalls the application in a chaos run, one fault a cycle, drawn from a deck so that every run has its share of each.

import type { Random } from '../../src/ports/index.js'
import { systemClock } from '../../src/runtime/index.js'
import { FaultDeck } from './fault-deck.js'
import type { Application, Server } from './processes/application.js'
import { Victims } from './processes/victims.js'

/** Leases are of a second. */
const PAUSED_MS = 1_600
const SWALLOWED_MS = { min: 50, max: 300 }
const CUT_BYTES_MAX = 20_000
/** Some cuts wait for a byte that is never sent. */
const CUT_WITHIN_MS = 500

/** How many of each there are in a deck. */
const DECK = {
  'worker killed': 7,
  'intake killed': 2,
  'worker paused past its lease': 4,
  'intake paused': 1,
  'all connections cut': 2,
  'connection cut at a byte': 6,
  'network silent': 2,
  'database killed': 1,
  'database restarted': 1,
} as const

/** With so many, every fault happens; fewer may miss one. */
export const DECK_CYCLES = Object.values(DECK).reduce((sum, share) => sum + share, 0)

export type FaultName = keyof typeof DECK

export class ChaosFaults {
  readonly #application: Application
  readonly #random: Random
  readonly #deck: FaultDeck<FaultName>
  readonly #victims: Victims
  readonly #faults: Readonly<Record<FaultName, () => Promise<void>>>

  constructor(application: Application, server: Server, random: Random) {
    const victims = new Victims(application, random)
    this.#application = application
    this.#random = random
    this.#deck = new FaultDeck(DECK, random)
    this.#victims = victims
    this.#faults = {
      'worker killed': () => victims.kill('worker'),
      'intake killed': () => victims.kill('intake'),
      'worker paused past its lease': () => victims.pause('worker', PAUSED_MS),
      'intake paused': () => victims.pause('intake', PAUSED_MS),
      'all connections cut': async () => application.proxy?.cutAll(this.#random() < 0.5 ? 'reset' : 'end'),
      'connection cut at a byte': () => this.#cutAtByte(),
      'network silent': () => this.#silence(),
      'database killed': async () => {
        await server.kill()
        await server.restart()
      },
      'database restarted': () => server.restart(),
    }
  }

  /** How often each has happened. */
  get counts(): Readonly<Record<FaultName, number>> {
    return this.#deck.counts
  }

  /**
   * The next fault of the deck that there is somebody for. Processes come back by themselves later on; all else is over when this
   * resolves.
   */
  async next(): Promise<void> {
    await this.#faults[this.#deck.draw((name) => this.#isPossible(name))]()
  }

  /** Resolves when every process works again. */
  async heal(): Promise<void> {
    await this.#victims.back()
    this.#application.proxy?.reset()
  }

  #isPossible(name: FaultName): boolean {
    const role = (['worker', 'intake'] as const).find((each) => name.startsWith(each))
    return role === undefined || this.#victims.has(role)
  }

  async #cutAtByte(): Promise<void> {
    const direction = this.#random() < 0.5 ? 'toServer' : 'toClient'
    const bytes = Math.floor(this.#random() * CUT_BYTES_MAX)
    const how = this.#random() < 0.5 ? 'reset' : 'end'
    const { proxy } = this.#application
    await Promise.race([proxy?.cutAfter(direction, bytes, how), systemClock.sleep(CUT_WITHIN_MS)])
    proxy?.reset()
  }

  async #silence(): Promise<void> {
    const { proxy } = this.#application
    proxy?.swallow(...(this.#random() < 0.5 ? [] : (['toClient'] as const)))
    await systemClock.sleep(SWALLOWED_MS.min + this.#random() * (SWALLOWED_MS.max - SWALLOWED_MS.min))
    proxy?.reset()
  }
}
