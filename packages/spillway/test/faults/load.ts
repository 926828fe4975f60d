// Producers and workers that do what Spillway's own do when the store fails: send the same again until it answers.

import type { ChunkDraft, Lease } from '../../src/domain/index.js'
import { isSpillwayError } from '../../src/errors/index.js'
import type { SettleScope } from '../../src/ports/index.js'
import { systemClock } from '../../src/runtime/index.js'
import { completed } from './doubtful-calls.js'
import { type FaultRig, idsOf, LEASE_MS } from './fault-rig.js'

const PAUSE_MS = 5
const ATTEMPTS_MAX = 20_000

export interface Load {
  /** Commands whose append was acknowledged. */
  readonly acknowledged: string[]
  /** Calls that failed. */
  failures: number
  /** Resolves when every producer's chunks were acknowledged and every command has succeeded. */
  readonly done: Promise<void>
}

export interface LoadOptions {
  readonly producers: number
  readonly chunksEach: number
  readonly chunkCommands: number
  readonly workers: number
}

export function startLoad(rig: FaultRig, options: LoadOptions): Load {
  const { producers, chunksEach, chunkCommands, workers } = options
  const commands = producers * chunksEach * chunkCommands
  const load = { acknowledged: [] as string[], failures: 0 }
  const times = (count: number, run: () => Promise<void>) => Array.from({ length: count }, run)

  let passing: Promise<void> | null = null
  function passTime(): Promise<void> {
    passing ??= rig.clock.advance(LEASE_MS / 10).finally(() => {
      passing = null
    })
    return passing
  }

  async function retrying<T>(call: () => Promise<T>): Promise<T> {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
      try {
        return await call()
      } catch (error) {
        if (!isSpillwayError(error, 'store_unavailable')) throw error
        load.failures += 1
        await systemClock.sleep(PAUSE_MS)
      }
    }
    throw new Error('the store did not come back')
  }

  async function produce(): Promise<void> {
    for (let chunk = 0; chunk < chunksEach; chunk += 1) {
      const payloads = Array.from({ length: chunkCommands }, (_, n) => ({ chunk, n }))
      const draft: ChunkDraft = rig.draft('main', payloads)
      await retrying(() => rig.store.append([draft]))
      load.acknowledged.push(...idsOf(draft))
    }
  }

  async function work(): Promise<void> {
    while ((await retrying(() => rig.store.reader.accounting())).succeeded < commands) {
      const leases = await retrying(() => rig.claim('main', rig.store))
      // A claim whose answer was lost holds its chunks until its time is over.
      if (leases.length === 0) await passTime()
      else await retrying(() => settleWithEffects(leases))
    }
  }

  function settleWithEffects(leases: readonly Lease[]): Promise<unknown> {
    return rig.store.settleWithin(leases, async (scope: SettleScope<unknown>, valid: readonly boolean[]) => {
      const held = leases.filter((_, n) => valid[n])
      for (const { chunkId, size } of held) await scope.write(rig.effectsOf(idsOf({ id: chunkId, size })))
      return held.map(completed)
    })
  }

  return Object.assign(load, {
    done: Promise.all([...times(producers, produce), ...times(workers, work)]).then(() => undefined),
  })
}
