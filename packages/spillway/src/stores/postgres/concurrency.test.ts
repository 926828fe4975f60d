// Many processes doing everything at once: nothing is counted twice, every command ends, and no deadlock comes through to a
// caller.

import { requireServer } from 'spillway-test-bed'
import { describe, expect, it } from 'vitest'
import { complete, disposing, type PostgresRig, postgresRigs } from '../../../test/support/postgres-rig.js'
import type { ChunkDraft, CommandUpdate, Lease, LeaseRef } from '../../domain/index.js'
import type { AppendResult } from '../../ports/index.js'
import { seededRandom } from '../../testing/seeded-random.js'
import type { PostgresStore } from './index.js'

const PROCESSES = 3
const ROUNDS = 20
const DRAIN_ROUNDS_MAX = 200
const QUEUES = ['a', 'b'] as const
const LEASE_MS = 1_000

const LEASE = { workerId: 'w', leaseMs: LEASE_MS }

function leasesIn(results: readonly AppendResult[]): Lease[] {
  return results.flatMap(({ lease = null }) => lease ?? [])
}

requireServer(describe, 'postgres')('processes at work on one store', () => {
  const newRig = disposing(postgresRigs())

  it.each([1, 2, 3])('agree whatever they do at once (seed %i)', async (seed) => {
    const rig = await newRig()
    await rig.store.control.configureQueue('a', { leasesMax: 4 })
    const crowd = new Crowd(rig, seed)
    for (let process = 0; process < PROCESSES; process += 1) crowd.join(await rig.other())
    await crowd.work()
    await crowd.drain()
    expect(crowd.seen).toMatchObject({ twoOfAPartition: 0, unbalanced: 0 })
    expect(await rig.store.reader.accounting()).toMatchObject({
      ready: 0,
      running: 0,
      scheduled: 0,
      retrying: 0,
    })
    expect((await rig.store.reader.accounting()).accepted).toBeGreaterThan(100)
  })
})

class Crowd {
  readonly seen = { twoOfAPartition: 0, unbalanced: 0 }
  readonly #rig: PostgresRig
  readonly #random: () => number
  readonly #stores: PostgresStore[] = []
  readonly #ids: string[] = []

  constructor(rig: PostgresRig, seed: number) {
    this.#rig = rig
    this.#random = seededRandom(seed)
  }

  join(store: PostgresStore): void {
    this.#stores.push(store)
  }

  /** Every process does everything, each of it in a loop of its own. */
  async work(): Promise<void> {
    const loops = this.#stores.flatMap((store) => [
      () => this.#append(store),
      () => this.#claimAndExecute(store),
      () => this.#claimAndExecute(store),
      () => this.#promote(store),
      () => store.control.cancel(this.#someIds()),
      () => store.control.redrive(this.#someIds()),
      () => store.prune({ retentionMs: 5_000, failedRetentionMs: 20_000, limit: 10 }),
      () => this.#look(store),
    ])
    const time = () => this.#rig.clock.advance(this.#below(LEASE_MS / 2))
    await Promise.all(
      [...loops, time].map(async (step) => {
        for (let round = 0; round < ROUNDS; round += 1) await step()
      }),
    )
  }

  async drain(): Promise<void> {
    const { store, clock } = this.#rig
    for (let round = 0; round < DRAIN_ROUNDS_MAX; round += 1) {
      await clock.advance(LEASE_MS)
      await this.#promote(store)
      for (const queue of QUEUES) {
        const leases = await this.#claim(store, queue)
        if (leases.length > 0) await store.settle(leases.map(complete))
      }
      const { ready, running, scheduled, retrying } = await store.reader.accounting()
      if (ready + running + scheduled + retrying === 0) return
    }
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit)
  }

  async #append(store: PostgresStore): Promise<void> {
    const drafts = Array.from({ length: 1 + this.#below(3) }, () => this.#draft())
    const how = this.#below(4)
    if (how < 2) await store.append(drafts, { atomic: how === 0 })
    else await this.#execute(store, leasesIn(await store.append(drafts, { lease: LEASE })))
    for (const { id, size } of drafts) for (let n = 0; n < size; n += 1) this.#ids.push(`${id}-${n}`)
  }

  #draft(): ChunkDraft {
    const payloads = Array.from({ length: 1 + this.#below(5) }, () => this.#below(3))
    return this.#rig.draft({
      queue: this.#below(2) === 0 ? 'a' : 'b',
      priority: this.#below(2),
      partition: this.#below(2) === 0 ? this.#below(3) : null,
      payloads,
      ...(this.#below(2) === 0 ? { keys: payloads.map(() => `k${this.#below(200)}`) } : {}),
    })
  }

  #claim(store: PostgresStore, queue: (typeof QUEUES)[number]): Promise<readonly Lease[]> {
    const limits = {
      chunksMax: 1 + this.#below(5),
      commandsMax: 1 + this.#below(20),
      leaseMs: LEASE_MS,
      workerId: 'w',
    }
    return store.claim({ queue, types: ['work'], ...limits })
  }

  async #claimAndExecute(store: PostgresStore): Promise<void> {
    await this.#execute(store, await this.#claim(store, this.#below(2) === 0 ? 'a' : 'b'))
  }

  async #execute(store: PostgresStore, leases: readonly Lease[]): Promise<void> {
    const reports = leases.map((lease) => ({
      ...this.#refOf(lease),
      updates: this.#updates(lease),
      finished: [],
    }))
    const settlements = reports.map((report) => ({ ...report, complete: this.#below(4) > 0 }))
    const how = this.#below(4)
    if (how === 0)
      await store.extend(
        reports.map((report) => ({ ...report, release: this.#below(2) === 0 })),
        LEASE_MS,
      )
    else if (how === 1)
      await store.settleWithin(leases, (_, valid) => settlements.filter((_, at) => valid[at]))
    else await store.settle(settlements)
  }

  #refOf({ chunkId, token }: Lease): LeaseRef {
    return { chunkId, token }
  }

  #updates({ size }: Lease): CommandUpdate[] {
    const states = ['failed', 'dead', 'retrying', 'succeeded'] as const
    return Array.from({ length: size }, (_, index) => index)
      .filter(() => this.#below(3) === 0)
      .map((index) => ({
        ...{
          index,
          state: states[this.#below(states.length)] ?? 'dead',
          attempts: 1,
          delayMs: this.#below(500),
        },
        error: { code: 'e', message: 'm' },
        result: '1',
      }))
  }

  async #promote(store: PostgresStore): Promise<void> {
    await store.promote({ limit: 20, chunkCommandsMax: 5, newChunkId: () => this.#rig.draft().id })
  }

  #someIds(): string[] {
    if (this.#ids.length === 0) return []
    return Array.from({ length: 4 }, () => this.#ids[this.#below(this.#ids.length)] as string)
  }

  async #look(store: PostgresStore): Promise<void> {
    const { accepted, ...places } = await store.reader.accounting()
    const sum = Object.values(places).reduce((total, count) => total + count, 0)
    if (sum !== accepted) this.seen.unbalanced += 1
    const partitions = await this.#rig.rows(`
      select 1 from @.chunks where state = 'leased' and partition is not null group by queue, partition having count(*) > 1`)
    this.seen.twoOfAPartition += partitions.length
  }
}
