// The hand that starts the worker, and pulls its plug now and then while the post office gets its orders.

import { setTimeout as sleep } from 'node:timers/promises'
import { type Child, type ChildSecrets, startChild } from './child.js'

export interface WorkerHandOptions {
  readonly letters: number
  readonly crash: boolean
  readonly postOfficeUrl: string
  readonly upstreamUrl: string
  readonly replyUrl: string
  readonly secrets: ChildSecrets
  readonly say: (sentence: string) => void
}

/** When it is killed, in shares of the orders that have reached the post office. */
const KILLS_AT = [0.15, 0.4, 0.6, 0.85]
/** Few letters are over before more kills are survived. */
const KILLS_AT_FEW = [0.3, 0.7]
const FEW_LETTERS = 1_000
const LOOK_EVERY_MS = 20
const PATIENCE_MS = 120_000

export class WorkerHand {
  readonly #options: WorkerHandOptions
  readonly killingIsOver: Promise<void>
  #over: () => void = () => {}
  #worker: Child<never> | null = null
  kills = 0

  constructor(options: WorkerHandOptions) {
    this.#options = options
    this.killingIsOver = new Promise((resolve) => {
      this.#over = resolve
    })
    if (!options.crash) this.#over()
  }

  start(): void {
    const { postOfficeUrl, upstreamUrl, replyUrl, secrets } = this.#options
    this.#worker = startChild<never>('./worker-process.js', secrets, [postOfficeUrl, upstreamUrl, replyUrl])
  }

  async stop(): Promise<void> {
    await this.#worker?.stop()
    this.#worker = null
  }

  async killNowAndThen(): Promise<void> {
    const { letters, say } = this.#options
    for (const share of letters < FEW_LETTERS ? KILLS_AT_FEW : KILLS_AT) {
      const orders = await this.#ordersReach(Math.floor(letters * share))
      await this.#worker?.kill()
      this.kills += 1
      say(`worker killed when ${orders.toLocaleString('en-US')} orders had come, started again`)
      this.start()
    }
    this.#over()
  }

  async #ordersReach(wanted: number): Promise<number> {
    const deadline = performance.now() + PATIENCE_MS
    for (;;) {
      const orders = await this.#orders()
      if (orders >= wanted) return orders
      if (performance.now() > deadline) throw new Error(`waited in vain for ${wanted} orders to come`)
      await sleep(LOOK_EVERY_MS)
    }
  }

  /** 0 while the post office is down. */
  async #orders(): Promise<number> {
    try {
      const response = await fetch(`${this.#options.postOfficeUrl}/progress`)
      return ((await response.json()) as { orders: number }).orders
    } catch {
      return 0
    }
  }
}
