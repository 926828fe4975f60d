// For the tests of people who use Spillway: their configuration on the memory store and a clock that moves when told. The code
// that runs is the production code; only store and clock are exchanged.

import type { CommandOf, CreateOptions, Spillway, SubmitOptions, SubmitVerdict } from '../../app/index.js'
import { createSpillway } from '../../app/index.js'
import { type Duration, durationMs, type SpillwayConfig } from '../../config/index.js'
import type { Receipt } from '../../domain/index.js'
import { SpillwayError } from '../../errors/index.js'
import type { CommandView } from '../../ports/index.js'
import { systemClock } from '../../runtime/index.js'
import { type MemoryRow, memory, rowsOf } from '../../stores/memory/index.js'
import { seededRandom } from '../seeded-random.js'
import { VirtualClock } from '../virtual-clock.js'

/** Virtual ms per step while draining: small against any timeout, large against a batch's wait. */
const STEP_MS = 1
/** Steps without real waiting between them; then a handler must be doing real I/O, and gets a real ms per step. */
const QUICK_STEPS = 100
/** Real ms that a call may take without time being advanced. */
const REAL_STEPS_MAX = 10_000

export interface TestOptions {
  /** Everything that can run has run when submit resolves. */
  inline?: boolean
  /** Seed of jitter and ids. */
  seed?: number
  logs?: CreateOptions['logs']
}

/** A command that was submitted through the kit. */
export interface Submitted {
  readonly type: string
  readonly payload: unknown
  readonly receipt: Receipt
}

export class TestSpillway {
  readonly spillway: Spillway
  readonly clock: VirtualClock
  readonly #rows: (table: string) => readonly MemoryRow[]
  readonly #inline: boolean
  readonly #submitted: Submitted[] = []

  constructor(
    spillway: Spillway,
    clock: VirtualClock,
    rows: (table: string) => readonly MemoryRow[],
    inline: boolean,
  ) {
    this.spillway = spillway
    this.clock = clock
    this.#rows = rows
    this.#inline = inline
  }

  async submit<Input>(
    command: CommandOf<Input>,
    payload: NoInfer<Input>,
    options?: SubmitOptions,
  ): Promise<Receipt> {
    const receipt = await this.#drive(this.spillway.submit(command, payload, options), 0)
    this.#remember(payload, receipt)
    if (this.#inline) await this.drain()
    return receipt
  }

  async submitMany<Input>(
    command: CommandOf<Input>,
    payloads: readonly NoInfer<Input>[],
  ): Promise<SubmitVerdict[]> {
    const verdicts = await this.#drive(this.spillway.submitMany(command, payloads), 0)
    for (const [index, verdict] of verdicts.entries())
      if (verdict.ok) this.#remember(payloads[index], verdict.receipt)
    if (this.#inline) await this.drain()
    return verdicts
  }

  /** The command as it is now. */
  outcome(id: string): Promise<CommandView> {
    return this.#drive(this.spillway.outcome(id, { payload: true }), 0)
  }

  /** Runs everything that can run without waiting for a retry or a schedule. */
  async drain(): Promise<void> {
    await this.#drive(this.spillway.drain(), STEP_MS)
  }

  /** Lets time pass, with everything that becomes due in it, and then drains. */
  async advance(duration: Duration): Promise<void> {
    await this.clock.advance(durationMs(duration, 'advance'))
    await this.drain()
  }

  /** Commands of this type that were accepted or repeated, oldest first. */
  submitted(command: string | { readonly name: string }): readonly Submitted[] {
    const type = typeof command === 'string' ? command : command.name
    return this.#submitted.filter((submitted) => submitted.type === type)
  }

  /** The newest command of this type; throws when there is none. */
  requireSubmitted(command: string | { readonly name: string }): Submitted {
    const last = this.submitted(command).at(-1)
    if (last !== undefined) return last
    const type = typeof command === 'string' ? command : command.name
    const others = [...new Set(this.#submitted.map((submitted) => submitted.type))].join(', ')
    throw new SpillwayError('not_found', `No ${type} was submitted; submitted were: ${others || 'none'}.`)
  }

  /** Rows that handlers or `into()` wrote into a table of the memory store. */
  rows(table: string): readonly MemoryRow[] {
    return this.#rows(table)
  }

  async close(): Promise<void> {
    await this.#drive(this.spillway.close(), STEP_MS)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #remember(payload: unknown, receipt: Receipt): void {
    this.#submitted.push({ type: receipt.type, payload, receipt })
  }

  /** Moves the clock until the call is answered. */
  async #drive<T>(call: Promise<T>, stepMs: number): Promise<T> {
    let open = true
    const settled = (): void => {
      open = false
    }
    call.then(settled, settled)
    for (let steps = 0; open; steps += 1) {
      if (steps > REAL_STEPS_MAX)
        throw new SpillwayError(
          'wait_timeout',
          'The call waits for more than can happen now: is a handler waiting for a timer of its own, or a full queue for room?',
        )
      if (steps > QUICK_STEPS) await systemClock.sleep(1)
      await this.clock.advance(stepMs)
    }
    return call
  }
}

/** Your configuration on a memory store and a virtual clock. Close it, or declare it with `await using`. */
export async function testSpillway(config: SpillwayConfig, options: TestOptions = {}): Promise<TestSpillway> {
  const clock = new VirtualClock()
  const store = memory({ clock })
  const spillway = await createSpillway(
    { ...config, store },
    { clock, random: seededRandom(options.seed ?? 1), logs: options.logs ?? 'silent' },
  )
  return new TestSpillway(spillway, clock, (table) => rowsOf(store, table), options.inline ?? false)
}
