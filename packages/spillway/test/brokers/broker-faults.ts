// What befalls an application whose commands travel by a broker, one fault at a time.

import type { PrivateServer } from 'spillway-test-bed'
import type { Random } from '../../src/ports/index.js'
import { systemClock } from '../../src/runtime/index.js'
import type { FaultProxy } from '../../src/testing/index.js'
import { FaultDeck } from '../faults/fault-deck.js'
import type { Application } from '../faults/processes/application.js'
import { Victims } from '../faults/processes/victims.js'
import type { RepeatedChunks } from './senders.js'

/** Longer than leases last, and than any of the brokers waits for a consumer that says nothing. */
const PAUSED_MS = 3_000
const SWALLOWED_MS = { min: 50, max: 300 }
const CUT_BYTES_MAX = 20_000
/** Some cuts wait for a byte that is never sent. */
const CUT_WITHIN_MS = 500

export type FaultName =
  | 'worker killed'
  | 'worker paused past its lease'
  | 'intake killed'
  | 'agent killed'
  | 'broker killed'
  | 'worker killed without a database'
  | 'all connections cut'
  | 'connection cut at a byte'
  | 'network silent'
  | 'chunk published again'

/** How many of each there are in a deck. */
export type Shares = Readonly<Partial<Record<FaultName, number>>>

export interface BrokerFaultsParts {
  readonly application: Application
  readonly database: PrivateServer
  readonly broker: PrivateServer
  /** Between the processes and the broker. */
  readonly proxy: FaultProxy
  readonly repeated: RepeatedChunks
  readonly random: Random
  /** Resolves when callers were told of more commands that they are safe. */
  readonly untilAccepted: () => Promise<void>
  /** Whether intakes can do without the broker. */
  readonly hasJournal: boolean
}

const ROLES = ['worker', 'intake', 'agent'] as const

export class BrokerFaults {
  readonly #parts: BrokerFaultsParts
  readonly #deck: FaultDeck<FaultName>
  readonly #victims: Victims
  readonly #faults: Readonly<Record<FaultName, () => Promise<void>>>

  constructor(shares: Shares, parts: BrokerFaultsParts) {
    const { application, database, broker, proxy, repeated, random, untilAccepted } = parts
    const victims = new Victims(application, random)
    this.#parts = parts
    this.#deck = new FaultDeck(shares as Record<FaultName, number>, random)
    this.#victims = victims
    this.#faults = {
      'worker killed': () => victims.kill('worker'),
      'worker paused past its lease': () => victims.pause('worker', PAUSED_MS),
      'intake killed': () => victims.kill('intake'),
      'agent killed': () => victims.kill('agent'),
      'broker killed': () => killed(broker, parts.hasJournal ? untilAccepted : undefined),
      'worker killed without a database': () =>
        killed(database, async () => {
          await untilAccepted()
          await victims.kill('worker')
        }),
      'all connections cut': async () => proxy.cutAll(random() < 0.5 ? 'reset' : 'end'),
      'connection cut at a byte': () => this.#cutAtByte(),
      'network silent': () => this.#silence(),
      'chunk published again': () => repeated.send(),
    }
  }

  /** How often each has happened. */
  get counts(): Readonly<Record<string, number>> {
    return this.#deck.counts
  }

  /** Processes come back by themselves later on; all else is over when this resolves. */
  async next(): Promise<void> {
    await this.#faults[this.#deck.draw((name) => this.#isPossible(name))]()
  }

  /** Resolves when every process works again. */
  async heal(): Promise<void> {
    await this.#victims.back()
    this.#parts.proxy.reset()
  }

  #isPossible(name: FaultName): boolean {
    const role = ROLES.find((each) => name.startsWith(each))
    return role === undefined || this.#victims.has(role)
  }

  async #cutAtByte(): Promise<void> {
    const { proxy, random } = this.#parts
    const direction = random() < 0.5 ? 'toServer' : 'toClient'
    const bytes = Math.floor(random() * CUT_BYTES_MAX)
    const how = random() < 0.5 ? 'reset' : 'end'
    await Promise.race([proxy.cutAfter(direction, bytes, how), systemClock.sleep(CUT_WITHIN_MS)])
    proxy.reset()
  }

  async #silence(): Promise<void> {
    const { proxy, random } = this.#parts
    proxy.swallow(...(random() < 0.5 ? [] : (['toClient'] as const)))
    await systemClock.sleep(SWALLOWED_MS.min + random() * (SWALLOWED_MS.max - SWALLOWED_MS.min))
    proxy.reset()
  }
}

async function killed(server: PrivateServer, meanwhile?: () => Promise<void>): Promise<void> {
  await server.kill()
  await meanwhile?.()
  await server.restart()
}
