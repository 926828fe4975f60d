// What befalls the application in a chaos run, one fault a cycle, drawn from a deck so that every run has its share of each.

import type { Random } from '../../src/ports/index.js'
import { systemClock } from '../../src/runtime/index.js'
import type { Application, Post, Server } from './processes/application.js'
import type { Role } from './processes/program.js'

/** Leases are of a second. */
const PAUSED_MS = 1_600
const SWALLOWED_MS = { min: 50, max: 300 }
const CUT_BYTES_MAX = 20_000
/** Some cuts wait for a byte that is never sent. */
const CUT_WITHIN_MS = 500

/** How many of each there are in a deck. */
const DECK = {
  'worker killed': 7,
  'intake killed': 4,
  'worker paused past its lease': 6,
  'intake paused': 3,
  'all connections cut': 6,
  'connection cut at a byte': 15,
  'network silent': 6,
  'database killed': 2,
  'database restarted': 1,
} as const

export type FaultName = keyof typeof DECK

export class ChaosFaults {
  /** How often each has happened. */
  readonly counts: Record<FaultName, number>
  readonly #application: Application
  readonly #random: Random
  readonly #faults: Readonly<Record<FaultName, () => Promise<void>>>
  /** Processes that are being started or paused, by name: they are spared. */
  readonly #away = new Map<string, Promise<void>>()
  #deck: FaultName[] = []

  constructor(application: Application, server: Server, random: Random) {
    this.#application = application
    this.#random = random
    this.counts = Object.fromEntries(Object.keys(DECK).map((name) => [name, 0])) as Record<FaultName, number>
    this.#faults = {
      'worker killed': () => this.#kill('worker'),
      'intake killed': () => this.#kill('intake'),
      'worker paused past its lease': () => this.#pause('worker'),
      'intake paused': () => this.#pause('intake'),
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

  /**
   * The next fault of the deck that there is somebody for. Processes come back by themselves later on; all else is over when this
   * resolves.
   */
  async next(): Promise<FaultName> {
    if (this.#deck.length === 0) this.#deck = this.#newDeck()
    const possible = this.#deck.findIndex((each) => this.#isPossible(each))
    const [name] = this.#deck.splice(Math.max(possible, 0), 1) as [FaultName]
    await this.#faults[name]()
    this.counts[name] += 1
    return name
  }

  /** Resolves when every process works again. */
  async heal(): Promise<void> {
    await Promise.all(this.#away.values())
    this.#application.proxy?.reset()
  }

  #newDeck(): FaultName[] {
    const names = Object.entries(DECK).flatMap(([name, count]) =>
      Array<FaultName>(count).fill(name as FaultName),
    )
    return names
      .map((name) => ({ name, at: this.#random() }))
      .sort((a, b) => a.at - b.at)
      .map(({ name }) => name)
  }

  async #kill(role: Role): Promise<void> {
    const post = await this.#victim(role)
    this.#takeAway(
      post,
      this.#application.replace(post).then(() => undefined),
    )
  }

  async #pause(role: Role): Promise<void> {
    const post = await this.#victim(role)
    const { program } = post
    program.signal('SIGSTOP')
    this.#takeAway(
      post,
      systemClock.sleep(PAUSED_MS).then(() => program.signal('SIGCONT')),
    )
  }

  #isPossible(name: FaultName): boolean {
    const role = (['worker', 'intake'] as const).find((each) => name.startsWith(each))
    return role === undefined || this.#present(role).length > 1
  }

  #present(role: Role): readonly Post[] {
    return this.#application.posts.filter((post) => post.role === role && !this.#away.has(post.name))
  }

  /** Anyone of the role who is there, but never the last one: there has to be somebody who works. */
  async #victim(role: Role): Promise<Post> {
    for (;;) {
      const present = this.#present(role)
      const victim = present[Math.floor(this.#random() * present.length)]
      if (victim !== undefined && present.length > 1) return victim
      await Promise.race(this.#awayOf(role))
    }
  }

  #awayOf(role: Role): readonly Promise<void>[] {
    return [...this.#away].flatMap(([name, back]) =>
      this.#application.post(name).role === role ? [back] : [],
    )
  }

  #takeAway({ name }: Post, back: Promise<void>): void {
    this.#away.set(
      name,
      back.finally(() => this.#away.delete(name)),
    )
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
