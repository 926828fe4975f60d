// Receivers that answered 410 Gone: they are left alone, by every process on the store, until somebody enables them again
// (Standard Webhooks 1.0, "Delivery success and failure").

import { hash } from 'node:crypto'
import { DELAY_MS_MAX, RESERVED_PREFIX } from '../domain/index.js'
import { SpillwayError } from '../errors/index.js'
import type { SharedValue, StoreShared } from '../ports/index.js'
import type { GoneEndpoint } from './operator-api.js'

const PREFIX = `${RESERVED_PREFIX}endpoint/`
/** Endpoints that are listed. */
const LISTED_MAX = 1_000
const READ_MAX = 200
const WRITE_TRIES_MAX = 5

export class GoneEndpoints {
  readonly #shared: StoreShared

  constructor(shared: StoreShared) {
    this.#shared = shared
  }

  async isGone(url: string): Promise<boolean> {
    return (await this.#read(url)) !== null
  }

  async record(url: string, goneAt: number): Promise<void> {
    const found = await this.#read(url)
    if (found !== null) return
    const value = JSON.stringify({ url, goneAt } satisfies GoneEndpoint)
    // Stale: somebody else has just recorded it.
    await this.#shared.write([{ key: keyOf(url), value, version: 0, ttlMs: DELAY_MS_MAX }])
  }

  /** By no particular order; at most LISTED_MAX. */
  async list(): Promise<GoneEndpoint[]> {
    const keys = await this.#shared.keys(PREFIX, LISTED_MAX)
    const endpoints: GoneEndpoint[] = []
    for (let from = 0; from < keys.length; from += READ_MAX) {
      const { values } = await this.#shared.read(keys.slice(from, from + READ_MAX))
      for (const found of values) if (found !== null) endpoints.push(JSON.parse(found.value) as GoneEndpoint)
    }
    return endpoints
  }

  async enable(url: string): Promise<'ok' | 'not_found'> {
    for (let tries = 0; tries < WRITE_TRIES_MAX; tries += 1) {
      const found = await this.#read(url)
      if (found === null) return 'not_found'
      const removal = { key: keyOf(url), value: null, version: found.version, ttlMs: 0 }
      const [verdict] = await this.#shared.write([removal])
      if (verdict === 'ok') return 'ok'
    }
    throw new SpillwayError('store_unavailable', 'The endpoint is being changed by others; try again.')
  }

  async #read(url: string): Promise<SharedValue | null> {
    const { values } = await this.#shared.read([keyOf(url)])
    return values[0] ?? null
  }
}

function keyOf(url: string): string {
  return `${PREFIX}${hash('sha256', url, 'hex')}`
}
