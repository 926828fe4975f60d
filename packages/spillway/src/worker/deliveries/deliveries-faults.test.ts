import { describe, expect, it } from 'vitest'
import { type ConsumerProcess, DeliveriesBench, key } from '../../../test/worker/deliveries-kit.js'
import { command, eventsOf, range } from '../../../test/worker/worker-kit.js'
import type { ChunkDraft, LeaseVerdict, Settlement } from '../../domain/index.js'
import { SpillwayError } from '../../errors/index.js'
import type { Random } from '../../ports/index.js'
import { commandOf } from '../../stores/memory/index.js'
import { seededRandom } from '../../testing/seeded-random.js'

const SEEDS = 30
const STEPS = 60
const CHUNKS = 40
const EVENTS = 30
/** By when everything is over once nothing fails any more: leases, backoffs, polls, retries. */
const HEALED_MS = 120_000
const METHODS = ['append', 'claim', 'extend', 'settle'] as const

/** Workers, a broker and a store that all fail at random, and then do not any more. */
class Storm {
  readonly consumers: DeliveriesBench
  readonly published: ChunkDraft[] = []
  /** Complete settlements that the store took, by chunk. */
  readonly settled = new Map<string, number>()
  readonly ackedTooEarly: string[] = []
  /** Single commands, each perhaps sent more than once. */
  events = 0
  readonly processes: ConsumerProcess[] = []
  readonly #random: Random
  readonly #faultRate: number
  #isHealed = false
  #workers = 0

  constructor(seed: number) {
    this.#random = seededRandom(seed)
    this.#faultRate = this.#random() * 0.4
    const handleBatch = (): void => {
      if (!this.#isHealed && this.#chance(0.2)) throw Object.assign(new Error('busy'), { code: 'ECONNRESET' })
    }
    const retry = { attempts: 1_000, backoff: { delay: 500, jitter: 'none' as const } }
    this.consumers = new DeliveriesBench([command({ name: 'a', retry, handleBatch })], {
      leaseMs: 5_000,
      credit: 1 + Math.floor(this.#random() * 20),
      server: { random: this.#random },
    })
  }

  async run(): Promise<void> {
    this.#startProcess()
    for (const _ of range(STEPS)) {
      this.#checkAcks()
      this.#misbehave()
      for (const __ of range(3)) this.#publish()
      await this.consumers.clock.advance(Math.floor(this.#random() * 1_000))
      await this.consumers.bench.promote()
    }
    await this.#heal()
    this.#checkAcks()
  }

  #publish(): void {
    if (this.events < EVENTS && this.#chance(0.3)) {
      this.events += 1
      const { consumers } = this
      const body = JSON.stringify({ id: `event ${this.events}` })
      // Twice under the same id, as a producer does that was not sure.
      for (const _ of range(this.#chance(0.3) ? 2 : 1)) consumers.send({ id: `event ${this.events}`, body })
      return
    }
    if (this.published.length === CHUNKS) return
    const at = this.published.length
    const payloads = range(1 + Math.floor(this.#random() * 4)).map((index) => ({ id: `${at}-${index}` }))
    const keys = payloads.map((payload, index) =>
      index > 0 && this.#chance(0.3) ? key(payload.id, payload) : null,
    )
    const draft = this.consumers.draft('a', payloads, { keys, priority: Math.floor(this.#random() * 3) })
    this.published.push(draft)
    this.consumers.publishDraft(draft)
  }

  #misbehave(): void {
    const { server } = this.consumers
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
    this.processes.splice(this.processes.indexOf(process), 1)
    for (const method of METHODS) process.tamper[method] = () => new Promise(() => {})
    process.clock.pause()
    process.broker.open = () => new Promise(() => {})
    process.broker.lost(this.#random)
    this.consumers.server.forget(process.broker)
  }

  #cut(process: ConsumerProcess | undefined): void {
    if (process === undefined) return
    process.broker.lost(this.#random)
    process.broker.reconnect()
  }

  #startProcess(): void {
    if (this.processes.length === 4) return
    this.#workers += 1
    const process = this.consumers.start({ workerId: `w${this.#workers}`, pollMs: 500 })
    for (const method of METHODS) {
      process.tamper[method] = async (call, ...args) => {
        if (this.#isFaulty()) throw new SpillwayError('store_unavailable', 'before')
        const answer = await call()
        if (method === 'settle') this.#noteSettled(args[0] as readonly Settlement[], answer)
        if (this.#isFaulty()) throw new SpillwayError('store_unavailable', 'after')
        return answer
      }
    }
    this.processes.push(process)
  }

  #noteSettled(items: readonly Settlement[], verdicts: readonly LeaseVerdict[]): void {
    for (const [at, { chunkId, complete }] of items.entries())
      if (complete && verdicts[at] === 'ok') this.settled.set(chunkId, (this.settled.get(chunkId) ?? 0) + 1)
  }

  #checkAcks(): void {
    for (const id of this.consumers.messages('acked')) {
      const isChunk = this.published.some((draft) => draft.id === id)
      if (isChunk && commandOf(this.consumers.bench.real, `${id}-0`) === null) this.ackedTooEarly.push(id)
    }
  }

  async #heal(): Promise<void> {
    this.#isHealed = true
    const { server, clock, bench } = this.consumers
    server.loseConfirms(0)
    server.duplicateNext(0)
    server.restart()
    for (const process of [...this.processes]) this.#kill(process)
    this.#startProcess()
    for (let ms = 0; ms < HEALED_MS; ms += 1_000) {
      await clock.advance(1_000)
      await bench.promote()
    }
  }

  #any(): ConsumerProcess | undefined {
    return this.processes[Math.floor(this.#random() * this.processes.length)]
  }

  #isFaulty(): boolean {
    return !this.#isHealed && this.#chance(this.#faultRate)
  }

  #chance(share: number): boolean {
    return this.#random() < share
  }
}

describe('whatever fails', () => {
  it.each(range(SEEDS))(
    'nothing is acknowledged before the store has it, and every message is settled once (seed %i)',
    async (seed) => {
      const storm = new Storm(seed)
      const { consumers, published, settled } = storm
      await storm.run()
      expect(storm.ackedTooEarly).toEqual([])
      const ids = published.flatMap(({ id, size }) => range(size).map((index) => `${id}-${index}`))
      const views = await consumers.bench.views(ids)
      const isOver = (view: (typeof views)[number]): boolean =>
        view?.state === 'succeeded' || view?.error?.code === 'worker_crash'
      expect(views.filter((view) => !isOver(view))).toEqual([])
      expect(published.map(({ id }) => settled.get(id) ?? 0)).toEqual(published.map(() => 1))
      expect(consumers.server.waiting('default')).toEqual([])
      expect(consumers.server.delivered('default')).toEqual([])
      expect(consumers.server.refused('default')).toEqual([])
      expect(eventsOf(storm.processes[0]?.events ?? [], 'delivery.refused')).toEqual([])
      const accounting = await consumers.bench.real.reader.accounting()
      expect(accounting.accepted).toBe(ids.length + storm.events)
    },
  )
})
