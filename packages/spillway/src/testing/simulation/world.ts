// One simulated world, drawn from one seed: a database, processes that run the production code against it, callers, and
// everything that goes wrong. First safety under faults; then the faults end and everything has to come to an end.

import type { Store } from '../../ports/index.js'
import { type MemoryTx, memory, rowsOf } from '../../stores/memory/index.js'
import { HUNG_GRACE_MS } from '../../worker/handler-call.js'
import { checkHistory, type History, type Violation } from '../checker/index.js'
import { seededRandom } from '../seeded-random.js'
import { VirtualClock } from '../virtual-clock.js'
import type { PlantedBug } from './bugs/index.js'
import { Chaos } from './chaos.js'
import type { Client } from './client.js'
import { type CommandMix, drawMix, rulesOf } from './command-mix.js'
import { Database } from './database.js'
import { type Dice, dice } from './dice.js'
import { drawFaults } from './faults.js'
import { EFFECTS_TABLE, ROWS_TABLE } from './handlers.js'
import type { Life } from './life.js'
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
import { type Program, SimProcess } from './sim-process.js'
import { Traffic } from './traffic.js'

const LOOK_EVERY_MS = 1_000
const STEP_MS = 500
/** What callers asked before the end is answered well within this. */
const SETTLING_MS = 3_000
/** Bad commands that one after the other hold the slot a good one waits for. */
const SLOT_SHARERS = 2

export interface SeedResult {
  readonly seed: number
  readonly history: History
  readonly violations: readonly Violation[]
}

/** Runs the world of this seed from beginning to end. The same seed gives the same history, event by event. */
export async function runSeed(seed: number, bug: PlantedBug | null = null): Promise<SeedResult> {
  const world = new World(seed, bug)
  const history = await world.run()
  return { seed, history, violations: checkHistory(history) }
}

class World {
  readonly #clock = new VirtualClock()
  readonly #dice: Dice
  readonly #mix: CommandMix
  readonly #pace: Pace
  readonly #recording: Recording
  readonly #store: Store<MemoryTx>
  readonly #database: Database
  readonly #processes: readonly SimProcess[]
  readonly #clients = new Map<string, Client>()
  readonly #traffic: Traffic
  readonly #chaos: Chaos
  readonly #lengthMs: number
  /** How far the store's clock is ahead, for bugs that want it so. */
  #aheadMs = 0

  constructor(seed: number, bug: PlantedBug | null) {
    const draw = dice(seededRandom(seed))
    this.#dice = draw
    this.#mix = drawMix(draw)
    this.#pace = drawPace(draw)
    this.#lengthMs = draw.whole(3_000, 10_000)
    this.#recording = new Recording(this.#clock)
    this.#store = memory({ clock: { now: () => this.#clock.now() + this.#aheadMs } })
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
    this.#processes = this.#populate()
    this.#traffic = new Traffic({
      ...{ mix: this.#mix, clock: this.#clock, dice: draw, lengthMs: this.#lengthMs },
      client: () => this.#anyClient(),
      commandsMax: draw.whole(15, 80),
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
    return {
      ...rulesOf(this.#mix),
      events: this.#recording.events,
      final: {
        at: this.#clock.now(),
        commands: await this.#database.recorder.dump(),
        transactionEffects: rowsOf(this.#store, EFFECTS_TABLE).map(({ id }) => String(id)),
        sinkRows: rowsOf(this.#store, ROWS_TABLE).map(({ payload }) => String(payload)),
      },
    }
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
    }
  }

  async #isBusy(): Promise<boolean> {
    const { ready, running, scheduled, retrying } = await this.#store.reader.accounting()
    return ready + running + scheduled + retrying > 0
  }

  /**
   * The worst case of one command is all its attempts, each hung until its lease ended and followed by the longest backoff;
   * commands that share a slot with such a one wait for it first.
   */
  #boundMs(): number {
    const attempts = Math.max(...this.#mix.types.map((type) => type.attempts))
    const timeoutMs = Math.max(...this.#mix.types.map((type) => type.timeoutMs))
    const backoffMs = Math.max(...this.#mix.types.map((type) => type.backoffMaxMs))
    const attemptMs =
      timeoutMs +
      HUNG_GRACE_MS +
      2 * this.#mix.leaseMs +
      backoffMs +
      this.#pace.pollMs +
      this.#pace.promoteEveryMs
    return attempts * attemptMs * SLOT_SHARERS
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
      random: this.#dice.random,
    }
  }

  #intake(life: Life): IntakeProgram {
    const program = runIntake(this.#around(life), {
      accepted: (id) => this.#traffic.accepted(id),
      leftOpen: (request) => this.#traffic.leftOpen(request),
    })
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

  #anyClient(): Client | null {
    const clients = [...this.#clients.values()].filter((client) => client.reachable)
    return clients.length === 0 ? null : this.#dice.pick(clients)
  }

  #plant(bug: PlantedBug): Store {
    return bug.plant(this.#store, {
      dice: this.#dice,
      now: () => this.#clock.now(),
      later: (ms, work) => void this.#clock.schedule(ms, work),
      ahead: async (ms, work) => {
        this.#aheadMs = ms
        try {
          return await work()
        } finally {
          this.#aheadMs = 0
        }
      },
    })
  }
}
