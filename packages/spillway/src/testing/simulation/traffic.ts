// What callers do over the time of a run: bursts of commands, repeats and conflicts of idempotency keys, asking again
// after an unknown outcome, commands for later, cancels, redrives and discards that race with execution, pauses, and looking.

import type { Clock } from '../../ports/index.js'
import { type ActOptions, type ActPayload, drawAct } from './acts.js'
import type { Client, Request } from './client.js'
import { type CommandMix, isOutside, SHORT_TYPE, type TypeSpec } from './command-mix.js'
import type { Dice } from './dice.js'

const BURST_MAX = 12
/** Commands of a burst on average, lone ones included. */
const BURST_MEAN = 5
/** So that every world has commands that may take the short way. */
const SHORT_BURSTS_MAX = 2
const LOOK_IDS_MAX = 4
const ASK_AGAIN_MS_MAX = 1_500

export interface TrafficOptions {
  readonly mix: CommandMix
  readonly clock: Clock
  readonly dice: Dice
  /** Callers of any process that is up, or null. */
  readonly client: () => Client | null
  readonly commandsMax: number
  readonly lengthMs: number
}

export class Traffic {
  readonly #options: TrafficOptions
  readonly #keyed: Request[] = []
  readonly #ids: string[] = []
  /** Of the commands above that may be redriven with another one, as they were submitted. */
  readonly #payloads = new Map<string, ActPayload>()
  readonly #paused = new Set<string>()
  readonly #sinks: ReadonlySet<string>
  readonly #commandsMax: number
  #commands = 0
  #over = false

  constructor(options: TrafficOptions) {
    this.#options = options
    const { dice, lengthMs, commandsMax, mix } = options
    this.#commandsMax = commandsMax + BURST_MEAN
    const short = mix.types.find(({ name }) => name === SHORT_TYPE) as TypeSpec
    this.#sinks = new Set(mix.types.filter(({ shape }) => shape === 'sink').map(({ name }) => name))
    const bursts = Math.ceil(commandsMax / BURST_MEAN)
    this.#spread(bursts, lengthMs * 0.8, () => this.#burst(dice.pick(mix.types)))
    this.#spread(dice.whole(1, SHORT_BURSTS_MAX), lengthMs * 0.8, () => this.#burst(short))
    this.#spread(dice.whole(0, 6), lengthMs, () => this.#repeat())
    this.#spread(dice.whole(0, 4), lengthMs, () => this.#conflict())
    this.#spread(dice.whole(0, 8), lengthMs, () => this.#cancel())
    this.#spread(dice.whole(0, 6), lengthMs, () => this.#redrive())
    this.#spread(dice.whole(0, 4), lengthMs, () => this.#discard())
    this.#spread(dice.chance(0.3) ? dice.whole(1, 3) : 0, lengthMs * 0.8, () => this.#pause())
    this.#spread(dice.whole(2, 10), lengthMs, () => this.#look())
  }

  /** A receipt was given. */
  accepted(id: string, { type, payload }: Request): void {
    this.#ids.push(id)
    // The row of a sink may be there from a repeat of the command, with the payload that had.
    if (!this.#sinks.has(type)) this.#payloads.set(id, payload)
    const { dice, clock } = this.#options
    if (!this.#over && dice.chance(0.06)) clock.schedule(dice.between(0, 40), () => this.#cancel(id))
  }

  /** Somebody was not told: with a key they can ask again safely; without one some do it all the same. */
  leftOpen(request: Request): void {
    const { dice, clock } = this.#options
    if (!dice.chance(request.key === null ? 0.3 : 0.8)) return
    clock.schedule(dice.between(0, ASK_AGAIN_MS_MAX), () => this.#submit([request]))
  }

  /** No more cancels, redrives, discards and pauses from here on. */
  end(): void {
    this.#over = true
    for (const queue of this.#paused) void this.#options.client()?.setPaused(queue, false)
  }

  #spread(count: number, lengthMs: number, run: () => void): void {
    const { clock, dice } = this.#options
    for (let nth = 0; nth < count; nth += 1) {
      clock.schedule(dice.between(0, lengthMs), () => {
        if (!this.#over) run()
      })
    }
  }

  #burst(type: TypeSpec): void {
    const { dice } = this.#options
    const size = Math.min(dice.chance(0.3) ? 1 : dice.whole(1, BURST_MAX), this.#commandsMax - this.#commands)
    const requests = Array.from({ length: size }, () => this.#draw(type))
    if (requests.length === 0) return
    // A repeat and a conflict within one flush.
    if (dice.chance(0.1)) requests.push(dice.pick(requests))
    if (dice.chance(0.1)) requests.push(this.#draw(type, dice.pick(requests).key))
    this.#submit(requests)
  }

  #submit(requests: readonly Request[]): void {
    const { dice } = this.#options
    const client = this.#options.client()
    if (client === null || requests.length === 0) return
    if (requests.length > 1 && dice.chance(0.3)) void client.submitMany(requests, dice.chance(0.4))
    else for (const request of requests) void client.submit(request)
  }

  /** A new command; with the key of another one it is a conflict. */
  #draw(type: TypeSpec, takenKey: string | null = null): Request {
    const { dice, clock } = this.#options
    this.#commands += 1
    const n = this.#commands
    const request: Request = {
      type: type.name,
      payload: drawAct(n, dice, this.#actsOf(type)),
      key: takenKey ?? (dice.chance(0.5) ? `key-${n}` : null),
      windowMs: type.windowMs,
      priority: dice.chance(0.2) ? dice.whole(-2, 2) : 0,
      runAt: dice.chance(0.15) ? Math.ceil(clock.now() + dice.between(-100, 4_000)) : null,
    }
    if (request.key !== null && takenKey === null) this.#keyed.push(request)
    return request
  }

  #repeat(): void {
    if (this.#keyed.length > 0) this.#submit([this.#options.dice.pick(this.#keyed)])
  }

  #conflict(): void {
    if (this.#keyed.length === 0) return
    const first = this.#options.dice.pick(this.#keyed)
    this.#commands += 1
    const { dice, mix } = this.#options
    const type = mix.types.find(({ name }) => name === first.type) as TypeSpec
    this.#submit([{ ...first, payload: drawAct(this.#commands, dice, this.#actsOf(type)) }])
  }

  #cancel(id?: string): void {
    const ids = id === undefined ? this.#someIds() : [id]
    if (ids.length > 0) void this.#options.client()?.cancel(ids)
  }

  #redrive(): void {
    const ids = this.#someIds()
    if (ids.length === 0) return
    const mend = (id: string): ActPayload | null => {
      const payload = this.#options.dice.chance(0.4) ? this.#payloads.get(id) : undefined
      return payload === undefined ? null : { ...payload, act: 'value' }
    }
    void this.#options.client()?.redrive(ids, ids.map(mend))
  }

  #discard(): void {
    const ids = this.#someIds()
    if (ids.length > 0) void this.#options.client()?.discard(ids)
  }

  #actsOf({ shape }: TypeSpec): ActOptions {
    return { slowMsMax: this.#options.mix.slowMsMax, isOutside: isOutside(shape) }
  }

  #look(): void {
    const ids = this.#someIds()
    if (ids.length > 0) void this.#options.client()?.look(ids)
  }

  #pause(): void {
    const { dice, mix, clock } = this.#options
    const queue = dice.pick(mix.queues).name
    this.#paused.add(queue)
    void this.#options.client()?.setPaused(queue, true)
    clock.schedule(dice.between(100, 2_000), () => {
      if (!this.#over) void this.#options.client()?.setPaused(queue, false)
    })
  }

  #someIds(): string[] {
    const { dice } = this.#options
    if (this.#ids.length === 0) return []
    return Array.from({ length: dice.whole(1, LOOK_IDS_MAX) }, () => dice.pick(this.#ids))
  }
}
