// An intake of the old release, and workers of the new one that are started again whenever one ends, on a store of any kind.

import { vi } from 'vitest'
import type { CommandView, Store } from '../../../src/ports/index.js'
import { PATIENCE } from './patience.js'
import { Program, type Setting } from './program.js'

const CONFIG = './isolation.config.mjs'
/** A worker that cannot start is no reason to go on for ever. */
const STARTS_MAX = 20

// biome-ignore lint/suspicious/noExplicitAny: the transaction is each store's own
type AnyStore = Store<any>

export class Deployment {
  /** Workers that ended without having been told to. */
  deaths = 0
  readonly #setting: Setting
  readonly #store: AnyStore
  readonly #intake: Program
  readonly #workers = new Set<Program>()
  readonly #ended: Promise<unknown>[] = []
  /** Of workers that have ended. */
  #logs = ''
  #starts = 0
  #isOver = false
  #intakeUrl = ''

  static async start(storeUrl: string, store: AnyStore, workers: number): Promise<Deployment> {
    const deployment = new Deployment(storeUrl, store)
    const url = await deployment.#intake.url()
    if (url === null) throw new Error(`the intake did not start: ${deployment.#intake.log}`)
    deployment.#intakeUrl = url
    for (let n = 0; n < workers; n += 1) deployment.#startWorker()
    return deployment
  }

  private constructor(storeUrl: string, store: AnyStore) {
    this.#setting = { storeUrl, config: CONFIG }
    this.#store = store
    this.#intake = Program.serve({ ...this.#setting, release: 'old' }, 'intake')
  }

  /** What all workers have logged lately. */
  get log(): string {
    return this.#logs + [...this.#workers].map(({ log }) => log).join('')
  }

  /** All at once, so that they share a chunk. Ids in order. */
  async submit(type: string, payloads: readonly object[]): Promise<readonly string[]> {
    const response = await fetch(`${this.#intakeUrl}/v1/commands:bulk`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(payloads.map((payload) => ({ type, payload }))),
    })
    if (response.status !== 202) throw new Error(`answered with ${response.status}: ${await response.text()}`)
    const { items } = (await response.json()) as { readonly items: readonly { readonly id: string }[] }
    return items.map(({ id }) => id)
  }

  /** How they look once they have all ended. */
  ended(ids: readonly string[]): Promise<readonly CommandView[]> {
    return vi.waitFor(async () => {
      const views = (await this.#store.reader.get(ids)).filter((view) => view !== null)
      const open = views.filter(({ finishedAt }) => finishedAt === null)
      if (open.length > 0 || views.length < ids.length)
        throw new Error(`not ended: ${JSON.stringify(open)}; ${this.log}`)
      return views
    }, PATIENCE)
  }

  /** A sum of the live workers' metrics of that name. */
  async metric(name: string): Promise<number> {
    let sum = 0
    for (const worker of this.#workers) {
      const text = await (await fetch(`${await worker.url()}/metrics`)).text()
      for (const line of text.split('\n'))
        if (line.startsWith(name)) sum += Number(line.slice(line.lastIndexOf(' ')))
    }
    return sum
  }

  async end(): Promise<void> {
    this.#isOver = true
    await Promise.all([...this.#workers, this.#intake].map((program) => program.kill()))
    await Promise.all(this.#ended)
  }

  #startWorker(): void {
    if (this.#isOver || this.#starts === STARTS_MAX) return
    this.#starts += 1
    const worker = Program.serve({ ...this.#setting, release: 'new' }, 'worker')
    this.#workers.add(worker)
    const ended = worker.ended.then(() => {
      this.#workers.delete(worker)
      this.#logs += worker.log
      if (!this.#isOver) this.deaths += 1
      this.#startWorker()
    })
    this.#ended.push(ended)
  }
}
