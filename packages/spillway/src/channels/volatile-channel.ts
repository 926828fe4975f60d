// What `pool`, `buffer` and `direct` have in common: commands live in this process's memory, the store sees only what
// they cannot execute now: exceptions, scheduled commands, what spills over, and what is left at closing time. How
// commands wait and when they run is the lineup's business.

import { type PoolSpec, store as storeSpec, type WhenFull } from '../config/index.js'
import type { Durability } from '../domain/index.js'
import { SpillwayError } from '../errors/index.js'
import type { CommandView, Completion, OfferVerdict, PreparedCommand } from '../ports/index.js'
import { Admission } from './admission.js'
import type { ChannelContext, OpenChannel } from './channel-context.js'
import { Executions } from './executions.js'
import type { HeldCommand } from './held-command.js'
import { HeldCommands } from './held-commands.js'
import { Accepted, Offer } from './offer.js'
import { storeChannel } from './store-channel.js'
import { atomicRefused, closed } from './verdicts.js'

const CLOSE_TIMEOUT_MS = 10_000

/** How commands wait and when they run. */
export interface Lineup {
  readonly waiting: number
  readonly running: number
  /** Executions at once. */
  readonly limit: number
  hasRoom(bytes: number): boolean
  /** How many commands would find room. */
  readonly freeSlots: number
  /** Only after hasRoom(). */
  add(held: HeldCommand): void
  /** Removes the oldest that waits. */
  dropOldest(): HeldCommand | undefined
  /** Removes all that wait. */
  removeWaiting(): HeldCommand[]
  /** Runs what waits without waiting for more. */
  hurry(): void
}

export interface LineupContext extends ChannelContext {
  /** Runs commands of one type; never rejects. */
  readonly execute: (batch: readonly HeldCommand[]) => Promise<void>
  /** To be called when commands were started or finished. */
  readonly onChange: () => void
}

export interface VolatileOptions extends Pick<PoolSpec, 'whenFull' | 'blockTimeoutMs' | 'maxBytes'> {
  readonly kind: string
  readonly durability: Durability
  readonly lineup: (context: LineupContext) => Lineup
}

export class VolatileChannel implements OpenChannel {
  readonly kind: string
  readonly durability: Durability
  readonly #context: ChannelContext
  readonly #options: VolatileOptions
  readonly #held: HeldCommands
  readonly #executions: Executions
  readonly #lineup: Lineup
  readonly #admission: Admission
  /** For what must not, or need not, live in memory. */
  readonly #durable: OpenChannel
  #runningInCallers = 0
  #closed = false
  #stateAnnounced = false
  #idleListeners: (() => void)[] = []

  constructor(options: VolatileOptions, context: ChannelContext) {
    const { whenFull, blockTimeoutMs } = options
    this.kind = options.kind
    this.durability = options.durability
    this.#context = context
    this.#options = options
    this.#held = new HeldCommands(context)
    this.#executions = new Executions(context, this.#held)
    this.#lineup = options.lineup({
      ...context,
      execute: (batch) => this.#executions.run(batch),
      onChange: () => this.#changed(),
    })
    this.#durable = storeChannel(storeSpec(), context)
    this.#admission = new Admission({
      clock: context.clock,
      queue: context.queue.name,
      hasRoom: (bytes) => this.#hasRoom(bytes),
      freeSlots: () => this.#freeSlots(),
      take: (offer, hasWaited) => this.#take(offer, hasWaited),
      overflow: whenFull === 'block' ? null : (offer) => this.#overflow(offer, whenFull),
      blockTimeoutMs,
    })
  }

  offer(command: PreparedCommand, done: Completion): void {
    if (this.#closed) {
      done(closed(this.#context.queue.name))
      return
    }
    const known = this.#held.known(command)
    if (known !== null) done(known)
    else if (command.runAt !== null) this.#store(new Offer(command, done))
    else this.#admission.admit(new Offer(command, done))
  }

  /** One commit of several commands is something only the store can give. */
  async offerAll(commands: readonly PreparedCommand[]): Promise<readonly OfferVerdict[]> {
    if (this.#closed) return commands.map(() => closed(this.#context.queue.name))
    const known = commands.map((command) => this.#held.known(command))
    const refused = known.findIndex((verdict) => verdict?.status === 'rejected')
    if (refused !== -1) return known.map((verdict) => verdict ?? atomicRefused(refused))
    const fresh = commands.filter((_, index) => known[index] === null)
    const verdicts = await this.#durable.offerAll(fresh)
    for (const [index, command] of fresh.entries()) this.#remember(command, verdicts[index] as OfferVerdict)
    const inOrder = verdicts.values()
    return known.map((verdict) => verdict ?? (inOrder.next().value as OfferVerdict))
  }

  /** What lives in this process's memory cannot be rolled back with somebody's transaction. */
  async offerWithin(): Promise<never> {
    const { name } = this.#context.queue
    throw new SpillwayError(
      'unsupported',
      `Queue ${name} has the ${this.kind} channel, which cannot take part in a transaction: give it the 'store' channel, or submit without tx once your transaction has committed.`,
      { details: { queue: name, channel: this.kind } },
    )
  }

  ready(): Promise<void> {
    return this.#options.whenFull === 'spill' && this.#freeSlots() === 0
      ? this.#durable.ready()
      : this.#admission.ready()
  }

  async drain(): Promise<void> {
    this.#lineup.hurry()
    if (!this.#isIdle()) await new Promise<void>((resolve) => this.#idleListeners.push(resolve))
    await this.#durable.drain()
  }

  /** What is still waiting when the time is up is parked, and so is what the abort of its handler leaves undone. */
  async close(): Promise<void> {
    const { clock, closeTimeoutMs = CLOSE_TIMEOUT_MS } = this.#context
    this.#closed = true
    this.#admission.close()
    const done = new AbortController()
    const drained = this.drain().then(() => done.abort())
    await clock.sleep(closeTimeoutMs, done.signal)
    if (!done.signal.aborted) {
      const waiting = this.#lineup.removeWaiting()
      this.#executions.abort()
      await this.#executions.handOver(waiting)
      this.#changed()
      await drained
    }
    this.#executions.close()
    await this.#durable.close()
  }

  lookup(id: string): CommandView | null {
    return this.#held.lookup(id)
  }

  lookupSent(): null {
    return null
  }

  #hasRoom(bytes: number): boolean {
    if (this.#lineup.hasRoom(bytes)) return true
    // What is full has no reason to wait for more.
    this.#lineup.hurry()
    return false
  }

  #freeSlots(): number {
    const { freeSlots } = this.#lineup
    if (freeSlots === 0) this.#lineup.hurry()
    const callers = this.#context.queue.concurrency - this.#runningInCallers
    return Math.min(freeSlots, Math.max(callers, 0))
  }

  #isIdle(): boolean {
    return this.#lineup.waiting === 0 && this.#lineup.running === 0 && this.#runningInCallers === 0
  }

  #take({ command, done }: Offer, hasWaited: boolean): void {
    // While it stood in line, another with its key may have been taken.
    const known = hasWaited ? this.#held.known(command) : null
    if (known !== null) {
      done(known)
      return
    }
    const held = this.#held.accept(command, this.durability)
    done(new Accepted(held.id, held.acceptedAt, this.durability))
    this.#lineup.add(held)
    this.#announceState()
  }

  #overflow(offer: Offer, whenFull: WhenFull): void {
    if (whenFull === 'callerRuns') void this.#runInCaller(offer)
    else if (whenFull === 'spill') this.#store(offer)
    else if (whenFull === 'discardOldest') this.#discardOldest(offer)
    else this.#admission.refuse(offer)
  }

  async #runInCaller({ command, done }: Offer): Promise<void> {
    const held = this.#held.accept(command, 'executed')
    this.#runningInCallers += 1
    await this.#executions.run([held])
    this.#runningInCallers -= 1
    done(new Accepted(held.id, held.acceptedAt, 'executed'))
    this.#changed()
  }

  #discardOldest(offer: Offer): void {
    const { bytes } = offer.command
    // Nothing is dropped for a command that would not fit even then.
    while (bytes <= this.#options.maxBytes && !this.#lineup.hasRoom(bytes)) {
      const dropped = this.#lineup.dropOldest()
      if (dropped === undefined) break
      this.#held.discard(dropped)
    }
    if (this.#lineup.hasRoom(bytes)) this.#take(offer, false)
    else this.#admission.refuse(offer)
  }

  #store({ command, done }: Offer): void {
    this.#durable.offer(command, (verdict) => {
      this.#remember(command, verdict)
      done(verdict)
    })
  }

  #remember(command: PreparedCommand, verdict: OfferVerdict): void {
    if (verdict.status !== 'rejected') this.#held.remember(command, verdict)
  }

  #changed(): void {
    this.#admission.roomMade()
    this.#announceState()
    if (!this.#isIdle()) return
    const listeners = this.#idleListeners
    this.#idleListeners = []
    for (const resolve of listeners) resolve()
  }

  /** At most one event per moment. */
  #announceState(): void {
    if (this.#stateAnnounced || this.#lineup.limit === 0) return
    this.#stateAnnounced = true
    this.#context.clock.defer(() => {
      this.#stateAnnounced = false
      const { running, limit, waiting } = this.#lineup
      this.#context.telemetry.record({
        event: 'pool.state',
        queue: this.#context.queue.name,
        active: running + this.#runningInCallers,
        limit,
        queued: waiting,
      })
    })
  }
}
