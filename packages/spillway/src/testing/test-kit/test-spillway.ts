// For the tests of people who use Spillway: their configuration on the memory store and a clock that moves when told. The code that runs is
// the production code; only store and clock are exchanged, and the store takes the place of journals and brokers.

import type { CommandOf, CreateOptions, Spillway, SubmitOptions, SubmitVerdict } from '../../app/index.js'
import { createSpillway } from '../../app/index.js'
import { type Duration, durationMs, type QueueOptions, type SpillwayConfig } from '../../config/index.js'
import { type CompletionOutcome, isTerminal, type Receipt } from '../../domain/index.js'
import { SpillwayError } from '../../errors/index.js'
import type { CommandView } from '../../ports/index.js'
import { systemClock } from '../../runtime/index.js'
import { commandOf, type MemoryRow, memory, rowsOf } from '../../stores/memory/index.js'
import { seededRandom } from '../seeded-random.js'
import { VirtualClock } from '../virtual-clock.js'

/** Virtual ms per step while draining: small against any timeout, large against a batch's wait. */
const STEP_MS = 1
/** Steps without real waiting between them; then a handler must be doing real I/O, and gets a real ms per step. */
const QUICK_STEPS = 100
/** Real ms that a call may take without time being advanced. */
const REAL_STEPS_MAX = 10_000

/** The memory store announces whatever there is to do; looking for it besides only makes hours of virtual time long. */
const POLL_MS = 1_000

export interface TestOptions {
  /** Everything that can run has run when submit resolves. */
  inline?: boolean
  /** Seed of jitter and ids. */
  seed?: number
  /** Where the clock begins, ms since the epoch. */
  startAt?: number
  logs?: CreateOptions['logs']
}

/** A command that was submitted through the kit. */
export interface Submitted {
  readonly type: string
  readonly payload: unknown
  readonly receipt: Receipt
}

/** What can be seen of the memory store from outside. */
interface StoreWindow {
  rows(table: string): readonly MemoryRow[]
  command(id: string): CommandView | null
}

export class TestSpillway {
  readonly spillway: Spillway
  readonly clock: VirtualClock
  readonly #window: StoreWindow
  readonly #inline: boolean
  readonly #submitted: Submitted[] = []
  /** Of commands that only their channel knows. Those that have ended stay as they are. */
  readonly #volatile = new Map<string, CommandView>()
  #volatileFrom = 0

  constructor(spillway: Spillway, clock: VirtualClock, window: StoreWindow, inline: boolean) {
    this.spillway = spillway
    this.clock = clock
    this.#window = window
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

  /** The same at once; of a command on a volatile channel as it was after the last `drain()` or `advance()`. Throws `not_found`. */
  outcomeOf(id: string): CommandView {
    const view = this.#window.command(id) ?? this.#volatile.get(id)
    if (view !== undefined) return view
    throw new SpillwayError('not_found', 'There is no command with that id here; was it drained?', {
      details: { id },
    })
  }

  /** The counterpart's answer to a pending command. */
  async complete(token: string, outcome: CompletionOutcome): Promise<CommandView> {
    const view = await this.#drive(this.spillway.complete(token, outcome), STEP_MS)
    if (this.#inline) await this.drain()
    return view
  }

  /** Runs everything that can run without waiting for a retry or a schedule. */
  async drain(): Promise<void> {
    await this.#drive(this.spillway.drain(), STEP_MS)
    await this.#lookAtVolatile()
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
    return this.#window.rows(table)
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

  async #lookAtVolatile(): Promise<void> {
    let open = this.#submitted.length
    for (let at = this.#volatileFrom; at < this.#submitted.length; at += 1) {
      const { id } = (this.#submitted[at] as Submitted).receipt
      if (this.#window.command(id) !== null) continue
      const view = await this.outcome(id).catch(() => null)
      if (view !== null) this.#volatile.set(id, view)
      if (view !== null && !isTerminal(view.state)) open = Math.min(open, at)
    }
    this.#volatileFrom = open
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
  const clock = new VirtualClock(options.startAt === undefined ? {} : { startAt: options.startAt })
  const store = memory({ clock })
  const spillway = await createSpillway(
    { ...config, ...queuesWithin(config), store, worker: { poll: POLL_MS, ...config.worker } },
    { clock, random: seededRandom(options.seed ?? 1), logs: options.logs ?? 'silent' },
  )
  const window = {
    rows: (table: string) => rowsOf(store, table),
    command: (id: string) => commandOf(store, id),
  }
  return new TestSpillway(spillway, clock, window, options.inline ?? false)
}

/** A test leaves no files behind and needs no server: what would travel by a journal or a broker goes straight into the store. */
function queuesWithin({ queues }: SpillwayConfig): Pick<SpillwayConfig, 'queues'> {
  if (queues === undefined) return {}
  const within = Object.entries(queues).map(([name, queue]): [string, QueueOptions] => {
    const { channel } = queue
    const leaves = typeof channel === 'object' && (channel.kind === 'journal' || channel.kind === 'broker')
    return [name, leaves ? { ...queue, channel: 'store' } : queue]
  })
  return { queues: Object.fromEntries(within) }
}
