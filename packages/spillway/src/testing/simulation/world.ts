// One simulated world, drawn from one seed: a database, processes that run the production code against it, callers, and
// everything that goes wrong. First safety under faults; then the faults end and everything has to come to an end.

import type { CompletionOutcome } from '../../domain/index.js'
import type { Store } from '../../ports/index.js'
import { systemClock } from '../../runtime/index.js'
import { HUNG_GRACE_MS } from '../../worker/handler-call.js'
import { checkHistory, type History, type Violation } from '../checker/index.js'
import { seededRandom } from '../seeded-random.js'
import { VirtualClock } from '../virtual-clock.js'
import type { PlantedBug } from './bugs/index.js'
import { Chaos } from './chaos.js'
import type { Client } from './client.js'
import { type CommandMix, drawMix, rulesOf, type TypeSpec } from './command-mix.js'
import { Counterpart } from './counterpart.js'
import { Database } from './database.js'
import { type Dice, dice } from './dice.js'
import { drawFaults } from './faults.js'
import { EFFECTS, ROWS } from './handlers.js'
import type { Life } from './life.js'
import { outsideStore } from './outside-store.js'
import {
  drawPace,
  type IntakeProgram,
  type Pace,
  runIntake,
  runMaintenance,
  runWorker,
  type Surroundings,
} from './programs.js'
import { Recording } from './recording.js'
import type { Transactions } from './scene.js'
import { type Program, SimProcess } from './sim-process.js'
import { memoryStores } from './stores/memory.js'
import type { SimulatedStore, SimulatedStores } from './stores/simulated-store.js'
import { Traffic } from './traffic.js'

const LOOK_EVERY_MS = 2_000
const STEP_MS = 500
/** Dead commands that are given up at once. */
const LET_GO_MAX = 100
/** What callers asked before the end is answered well within this. */
const SETTLING_MS = 2_000
/** How long an instant may wait for its store, on the machine's clock: only a lock that is never given back takes longer on a busy one. */
const OUTSIDE_MS = 100_000
/** How long closing a store may take, on the machine's clock. */
const DISPOSE_MS = 20_000
/** A counterpart that nobody hears. */
const COMPLETE_TRIES_MAX = 5
const COMPLETE_PAUSE_MS = 150
/** How many of the processes that take calls execute as well. */
const EXECUTING_SHARE = 0.8
/** Bad commands that one after the other hold the slot a good one waits for. */
const SLOT_SHARERS = 2

export interface SeedResult {
  readonly seed: number
  readonly history: History
  readonly violations: readonly Violation[]
}

export interface SeedOptions {
  /** Where the world's store comes from. Default: memory. */
  readonly stores?: SimulatedStores
  readonly bug?: PlantedBug | null
}

/** Runs the world of this seed from beginning to end. The same seed gives the same history, event by event. */
export async function runSeed(
  seed: number,
  { stores = memoryStores(), bug = null }: SeedOptions = {},
): Promise<SeedResult> {
  const time = new StoreTime()
  const simulated = await stores.make(time, [EFFECTS, ROWS])
  try {
    const world = new World({ seed, time, simulated, bug })
    const history = await world.run()
    return { seed, history, violations: checkHistory(history) }
  } finally {
    // A world that broke off may have left transactions open, and a store waits for them when it closes.
    const disposed = new AbortController()
    const disposing = simulated.dispose().finally(() => disposed.abort())
    await Promise.race([disposing, systemClock.sleep(DISPOSE_MS, disposed.signal)])
  }
}

/** The world's time, as its store has it. */
class StoreTime {
  readonly clock = new VirtualClock({ outsideMs: OUTSIDE_MS })
  /** How far the store's clock is ahead, for bugs that want it so. */
  aheadMs = 0

  now(): number {
    return this.clock.now() + this.aheadMs
  }
}

interface WorldOptions {
  readonly seed: number
  readonly time: StoreTime
  readonly simulated: SimulatedStore
  readonly bug: PlantedBug | null
}

class World {
  readonly #time: StoreTime
  readonly #clock: VirtualClock
  readonly #dice: Dice
  readonly #mix: CommandMix
  readonly #pace: Pace
  readonly #recording: Recording
  readonly #simulated: SimulatedStore
  readonly #store: Store
  readonly #transactions: Transactions
  readonly #database: Database
  readonly #counterpart: Counterpart
  readonly #processes: readonly SimProcess[]
  readonly #clients = new Map<string, Client>()
  readonly #traffic: Traffic
  readonly #chaos: Chaos
  readonly #lengthMs: number

  constructor({ seed, time, simulated, bug }: WorldOptions) {
    this.#time = time
    this.#clock = time.clock
    this.#simulated = simulated
    const draw = dice(seededRandom(seed))
    this.#dice = draw
    this.#mix = drawMix(draw)
    this.#pace = drawPace(draw)
    this.#lengthMs = draw.whole(2_000, 6_000)
    this.#recording = new Recording(this.#clock)
    this.#store = simulated.isOutside ? this.#outside(simulated) : simulated.store
    this.#transactions = this.#transactionsOf(simulated)
    const { leaseMs } = this.#mix
    const rates = drawFaults(draw, leaseMs)
    // Mostly a little longer than a lease: long enough to lose it, short enough to come back while its next holder works.
    const pauseMs = (): number =>
      draw.chance(0.3) ? draw.between(20, leaseMs) : draw.between(leaseMs, leaseMs * 2)
    const shared = { clock: this.#clock, recording: this.#recording, dice: draw, rates, pauseMs }
    const appendsMayBeLost = !this.#pace.forgets
    this.#database = new Database({
      ...shared,
      appendsMayBeLost,
      store: bug === null ? this.#store : this.#plant(bug),
    })
    this.#counterpart = new Counterpart({
      ...{ clock: this.#clock, dice: draw, recording: this.#recording },
      complete: (token, outcome) => void this.#complete(token, outcome),
    })
    this.#processes = this.#populate()
    this.#traffic = new Traffic({
      ...{ mix: this.#mix, clock: this.#clock, dice: draw, lengthMs: this.#lengthMs },
      client: () => this.#anyClient(),
      commandsMax: draw.whole(10, 45),
    })
    for (const process of this.#processes) process.start()
    this.#chaos = new Chaos({ ...shared, processes: this.#processes, database: this.#database })
  }

  async run(): Promise<History> {
    for (let at = 0; at < this.#lengthMs; at += LOOK_EVERY_MS) {
      await this.#clock.advance(LOOK_EVERY_MS)
      await this.#database.recorder.account()
    }
    await this.#heal()
    await this.#database.recorder.account()
    const { readTable } = this.#simulated
    const history = {
      ...rulesOf(this.#mix),
      events: [...this.#recording.events],
      final: {
        at: this.#clock.now(),
        commands: await this.#database.recorder.dump(),
        transactionEffects: (await readTable(EFFECTS.name)).map(({ id }) => String(id)),
        sinkRows: (await readTable(ROWS.name)).map(({ payload }) => String(payload)),
      },
    }
    await this.#end()
    return history
  }

  /** Nothing is under way any more, and no transaction is open: the store can be closed. */
  async #end(): Promise<void> {
    for (const process of this.#processes) process.crash()
    await this.#clock.advance(0)
  }

  /** Until everything has ended, or should have. */
  async #heal(): Promise<void> {
    const boundMs = this.#boundMs()
    this.#chaos.heal()
    this.#traffic.end()
    this.#recording.add({ kind: 'healed', boundMs })
    await this.#clock.advance(SETTLING_MS)
    // A pause that was on its way when the faults ended may have arrived after the callers resumed the queue.
    for (const { name } of this.#mix.queues)
      await this.#database.recorder.configureQueue(name, { paused: false })
    for (let waited = SETTLING_MS; waited <= boundMs && (await this.#isBusy()); waited += STEP_MS) {
      await this.#clock.advance(STEP_MS)
      await this.#letGo()
    }
  }

  /** Where dead commands hold up others, somebody gives them up in the end. */
  async #letGo(): Promise<void> {
    for (const { name, onDead } of this.#mix.queues) {
      if (onDead !== 'block') continue
      const { items } = await this.#store.reader.list({ queue: name, state: 'dead', limit: LET_GO_MAX })
      await this.#database.recorder.control(
        'discard',
        items.map(({ id }) => id),
      )
    }
  }

  async #isBusy(): Promise<boolean> {
    const { ready, running, scheduled, ...counts } = await this.#store.reader.accounting()
    const { retrying, reconciling, pending, blocked, compensating } = counts
    const parked = scheduled + retrying + reconciling + pending + blocked + compensating
    return ready + running + parked > 0
  }

  /**
   * The worst case of one command is all its tries, in every stage, each hung until its lease ended and followed by the longest backoff;
   * commands that share a slot with such a one, or its ordering key, wait for it first.
   */
  #boundMs(): number {
    const most = (numberOf: (type: TypeSpec) => number): number => Math.max(...this.#mix.types.map(numberOf))
    const tries = most(
      ({ attempts, abilities: { reconciliations, compensations } }) =>
        // Every execution may leave a doubt of its own.
        attempts * (1 + reconciliations) + compensations,
    )
    const tryMs =
      most(({ timeoutMs }) => timeoutMs) +
      HUNG_GRACE_MS +
      2 * this.#mix.leaseMs +
      most(({ backoffMaxMs }) => backoffMaxMs) +
      this.#pace.pollMs +
      this.#pace.promoteEveryMs
    return tries * tryMs * SLOT_SHARERS
  }

  #populate(): readonly SimProcess[] {
    const intakes = this.#named('app', this.#dice.whole(1, 2), (life) => this.#intake(life))
    const workers = this.#named('worker', this.#dice.pick([1, 2, 2, 3]), (life) =>
      runWorker(this.#around(life)),
    )
    const maintainers = this.#named('maintenance', this.#dice.whole(1, 3), (life) =>
      runMaintenance(this.#around(life)),
    )
    return [...intakes, ...workers, ...maintainers]
  }

  #named(name: string, count: number, boot: (life: Life) => Program): SimProcess[] {
    const shared = {
      clock: this.#clock,
      dice: this.#dice,
      recording: this.#recording,
    }
    return Array.from(
      { length: count },
      (_, at) => new SimProcess({ ...shared, name: `${name}-${at + 1}`, boot }),
    )
  }

  #around(life: Life): Surroundings {
    return {
      ...{ life, mix: this.#mix, pace: this.#pace, recording: this.#recording },
      store: this.#database.connect(life),
      dice: this.#dice,
      transactions: this.#transactions,
      counterpart: this.#counterpart,
    }
  }

  #intake(life: Life): IntakeProgram {
    const executes = this.#dice.chance(EXECUTING_SHARE)
    const callers: Parameters<typeof runIntake>[1] = {
      accepted: (id, request) => this.#traffic.accepted(id, request),
      leftOpen: (request) => this.#traffic.leftOpen(request),
    }
    const program = runIntake(this.#around(life), callers, executes)
    const name = life.process.split('#')[0] as string
    this.#clients.set(name, program.client)
    return {
      ...program,
      stop: async () => {
        this.#clients.delete(name)
        await program.stop()
      },
      died: () => {
        this.#clients.delete(name)
        program.client.died()
      },
    }
  }

  /** A counterpart that is not heard tries again. */
  async #complete(token: string, outcome: CompletionOutcome): Promise<void> {
    for (let tries = 0; tries < COMPLETE_TRIES_MAX; tries += 1) {
      if ((await this.#anyClient()?.complete(token, outcome)) === true) return
      await this.#clock.sleep(COMPLETE_PAUSE_MS)
    }
  }

  #anyClient(): Client | null {
    const clients = [...this.#clients.values()].filter((client) => client.reachable)
    return clients.length === 0 ? null : this.#dice.pick(clients)
  }

  #outside({ store, locks }: SimulatedStore): Store {
    return outsideStore(store, {
      clock: this.#clock,
      ...(locks === undefined ? {} : { locks }),
      onLockWait: (calls) => this.#recording.incident('store', `ends ${calls}, which waited for a lock`),
    })
  }

  #transactionsOf({ store, insert }: SimulatedStore): Transactions {
    const clock = this.#clock
    const areAsync = store.capabilities.transactionalSettle === 'async'
    return {
      areAsync,
      insert(tx, table, row) {
        const inserting = insert(tx, table, row)
        return inserting instanceof Promise ? clock.outside(inserting, 'insert') : inserting
      },
    }
  }

  #plant(bug: PlantedBug): Store {
    return bug.plant(this.#store, {
      dice: this.#dice,
      now: () => this.#clock.now(),
      later: (ms, work) => void this.#clock.schedule(ms, work),
      ahead: async (ms, work) => {
        this.#time.aheadMs = ms
        try {
          return await work()
        } finally {
          this.#time.aheadMs = 0
        }
      },
    })
  }
}
