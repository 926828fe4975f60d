// Publishers, workers, a broker and a store that all fail at random, and then do not any more; with the rules that hold all the while (I15):
// nothing is acknowledged before the store has it, a publish has succeeded only once the broker keeps the message, and what is sent again
// is the same message. A flaw can be planted, to see whether it is found.

import type { ChunkDraft, LeaseVerdict, Settlement } from '../../src/domain/index.js'
import { SpillwayError } from '../../src/errors/index.js'
import type { Broker, Random } from '../../src/ports/index.js'
import { commandOf } from '../../src/stores/memory/index.js'
import type { MemoryBrokerEvent } from '../../src/testing/memory-broker/index.js'
import { seededRandom } from '../../src/testing/seeded-random.js'
import { type ConsumerProcess, DeliveriesBench, key } from './deliveries-kit.js'
import { command, eventsOf, range } from './worker-kit.js'

const STEPS = 60
const CHUNKS = 40
const EVENTS = 30
/** By when everything is over once nothing fails any more: leases, backoffs, polls, retries. */
const HEALED_MS = 120_000
const METHODS = ['append', 'claim', 'extend', 'settle'] as const

export interface Flaw {
  readonly name: string
  /** In what a worker does. */
  readonly inWorker?: (process: ConsumerProcess) => void
  /** In how chunks are published. */
  readonly inPublisher?: (broker: Broker) => Pick<Broker, 'name' | 'publish'>
}

export class Storm {
  readonly #consumers: DeliveriesBench
  readonly #published: ChunkDraft[] = []
  /** Chunks that the broker keeps, or kept. */
  readonly #kept = new Set<string>()
  /** Chunks whose publisher was told so. */
  readonly #confirmed = new Set<string>()
  /** Complete settlements that the store took, by chunk. */
  readonly #settled = new Map<string, number>()
  readonly #broken: string[] = []
  readonly #processes: ConsumerProcess[] = []
  readonly #random: Random
  readonly #faultRate: number
  readonly #flaw: Flaw | null
  /** Single commands, each perhaps sent more than once. */
  #events = 0
  #isHealed = false
  #workers = 0

  constructor(seed: number, flaw: Flaw | null = null) {
    this.#flaw = flaw
    this.#random = seededRandom(seed)
    this.#faultRate = this.#random() * 0.4
    const handleBatch = (): void => {
      if (!this.#isHealed && this.#chance(0.2)) throw Object.assign(new Error('busy'), { code: 'ECONNRESET' })
    }
    const retry = { attempts: 1_000, backoff: { delay: 500, jitter: 'none' as const } }
    this.#consumers = new DeliveriesBench([command({ name: 'a', retry, handleBatch })], {
      leaseMs: 5_000,
      credit: 1 + Math.floor(this.#random() * 20),
      server: { random: this.#random },
      onBrokerEvent: (event) => this.#judge(event),
      ...(flaw?.inPublisher && { publishBy: flaw.inPublisher }),
    })
  }

  /** From the beginning to the end; resolves to which rules were broken, and how. */
  async run(): Promise<readonly string[]> {
    this.#startProcess()
    for (const _ of range(STEPS)) {
      this.#misbehave()
      for (const __ of range(3)) this.#publish()
      await this.#consumers.clock.advance(Math.floor(this.#random() * 1_000))
      await this.#consumers.bench.promote()
    }
    await this.#heal()
    await this.#judgeEnd()
    return this.#broken
  }

  #judge({ what, id }: MemoryBrokerEvent): void {
    if (what === 'published') {
      this.#kept.add(id)
      if (!this.#isKnown(id)) this.#broken.push(`a message was published under an id of nobody: ${id}`)
    }
    if (what === 'acked' && this.#isChunk(id) && this.#stored(id) === null)
      this.#broken.push(`${id} was acknowledged before the store had it`)
  }

  async #judgeEnd(): Promise<void> {
    const { server, bench } = this.#consumers
    for (const { id, size } of this.#published) {
      if (!this.#kept.has(id)) continue
      const views = await bench.views(range(size).map((index) => `${id}-${index}`))
      const isOver = (view: (typeof views)[number]): boolean =>
        view?.state === 'succeeded' || view?.error?.code === 'worker_crash'
      if (!views.every(isOver)) this.#broken.push(`${id} is not over`)
      if (this.#settled.get(id) !== 1) this.#broken.push(`${id} was settled ${this.#settled.get(id)} times`)
    }
    const kept = this.#published.filter(({ id }) => this.#kept.has(id))
    const expected = kept.reduce((sum, { size }) => sum + size, this.#events)
    const { accepted } = await bench.real.reader.accounting()
    if (accepted !== expected) this.#broken.push(`${accepted} commands instead of ${expected}`)
    for (const place of ['waiting', 'delivered', 'refused'] as const) {
      const left = server[place]('default').length
      if (left > 0) this.#broken.push(`${left} messages are ${place} in the end`)
    }
    const refused = this.#processes.flatMap(({ events }) => eventsOf(events, 'delivery.refused'))
    if (refused.length > 0) this.#broken.push(`${refused.length} messages were refused`)
    for (const id of this.#confirmed)
      if (this.#stored(id) === null) this.#broken.push(`${id} was confirmed and is nowhere`)
  }

  #isChunk(id: string): boolean {
    return this.#published.some((draft) => draft.id === id)
  }

  #isKnown(id: string): boolean {
    return this.#isChunk(id) || id.startsWith('event ')
  }

  #stored(id: string): unknown {
    return commandOf(this.#consumers.bench.real, `${id}-0`)
  }

  #publish(): void {
    if (this.#events < EVENTS && this.#chance(0.3)) this.#publishEvent()
    else if (this.#published.length < CHUNKS) this.#publishChunk()
  }

  #publishEvent(): void {
    this.#events += 1
    const id = `event ${this.#events}`
    // Twice under the same id, as a producer does that was not sure.
    for (const _ of range(this.#chance(0.3) ? 2 : 1))
      this.#consumers.send({ id, body: JSON.stringify({ id }) })
  }

  #publishChunk(): void {
    const at = this.#published.length
    const payloads = range(1 + Math.floor(this.#random() * 4)).map((index) => ({ id: `${at}-${index}` }))
    const keys = payloads.map((payload, index) =>
      index > 0 && this.#chance(0.3) ? key(payload.id, payload) : null,
    )
    const draft = this.#consumers.draft('a', payloads, { keys, priority: Math.floor(this.#random() * 3) })
    this.#published.push(draft)
    void this.#consumers.confirmed(draft).then((isConfirmed) => {
      if (!isConfirmed) return
      this.#confirmed.add(draft.id)
      if (!this.#kept.has(draft.id)) this.#broken.push(`${draft.id} was confirmed before the broker kept it`)
    })
  }

  #misbehave(): void {
    const { server } = this.#consumers
    const acts: (() => void)[] = [
      () => server.restart(),
      () => server.kill(),
      () => server.pause(),
      () => server.resume(),
      () => server.duplicateNext(5),
      () => server.loseConfirms(3),
      () => this.#startProcess(),
      () => this.#any()?.worker.stop(),
      () => this.#kill(this.#any()),
      () => this.#any()?.clock.pause(),
      () => this.#any()?.clock.resume(),
      () => this.#cut(this.#any()),
    ]
    if (this.#chance(0.5)) acts[Math.floor(this.#random() * acts.length)]?.()
  }

  /** Its promises may still run on; nothing it says is heard any more. */
  #kill(process: ConsumerProcess | undefined): void {
    if (process === undefined) return
    this.#processes.splice(this.#processes.indexOf(process), 1)
    for (const method of METHODS) process.tamper[method] = () => new Promise(() => {})
    process.clock.pause()
    process.broker.open = () => new Promise(() => {})
    process.broker.lost(this.#random)
    this.#consumers.server.forget(process.broker)
  }

  #cut(process: ConsumerProcess | undefined): void {
    if (process === undefined) return
    process.broker.lost(this.#random)
    process.broker.reconnect()
  }

  #startProcess(): void {
    if (this.#processes.length === 4) return
    this.#workers += 1
    const process = this.#consumers.start({ workerId: `w${this.#workers}`, pollMs: 500 })
    for (const method of METHODS) {
      process.tamper[method] = async (call, ...args) => {
        if (this.#isFaulty()) throw new SpillwayError('store_unavailable', 'before')
        const answer = await call()
        if (method === 'settle') this.#noteSettled(args[0] as readonly Settlement[], answer)
        if (this.#isFaulty()) throw new SpillwayError('store_unavailable', 'after')
        return answer
      }
    }
    this.#flaw?.inWorker?.(process)
    this.#processes.push(process)
  }

  #noteSettled(items: readonly Settlement[], verdicts: readonly LeaseVerdict[]): void {
    for (const [at, { chunkId, complete }] of items.entries())
      if (complete && verdicts[at] === 'ok') this.#settled.set(chunkId, (this.#settled.get(chunkId) ?? 0) + 1)
  }

  async #heal(): Promise<void> {
    this.#isHealed = true
    const { server, clock, bench } = this.#consumers
    server.loseConfirms(0)
    server.duplicateNext(0)
    server.restart()
    for (const process of [...this.#processes]) this.#kill(process)
    this.#startProcess()
    for (let ms = 0; ms < HEALED_MS; ms += 1_000) {
      await clock.advance(1_000)
      await bench.promote()
    }
  }

  #any(): ConsumerProcess | undefined {
    return this.#processes[Math.floor(this.#random() * this.#processes.length)]
  }

  #isFaulty(): boolean {
    return !this.#isHealed && this.#chance(this.#faultRate)
  }

  #chance(share: number): boolean {
    return this.#random() < share
  }
}
