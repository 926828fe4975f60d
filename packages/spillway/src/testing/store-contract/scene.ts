// The vocabulary of the contract's tests: submit, claim, settle and look, with defaults for everything a test is not about.

import {
  type AppendVerdict,
  type ChunkDraft,
  type CommandState,
  type CommandUpdate,
  commandId,
  encodeBody,
  type Lease,
  type LeaseProgress,
  type LeaseRef,
  type LeaseVerdict,
  type Settlement,
} from '../../domain/index.js'
import type {
  AppendOptions,
  ClaimRequest,
  CommandView,
  PromoteRequest,
  PruneRequest,
} from '../../ports/index.js'
import type { AnyStore, StoreUnderTest, TestApi } from './harness.js'

export const LEASE_MS = 30_000
export const DAY_MS = 86_400_000

/** What a test says about a chunk; `payloads` are values, or `size` of them are made up. */
export interface DraftOptions extends Partial<Omit<ChunkDraft, 'body' | 'keys'>> {
  readonly payloads?: readonly unknown[]
  /** Per command: a key; its fingerprint is that of the payload. */
  readonly keys?: readonly (string | null)[]
  readonly windowMs?: number
}

export interface Submitted {
  readonly chunkId: string
  readonly ids: readonly string[]
  readonly createdAt: number
  readonly verdicts: readonly AppendVerdict[] | null
  /** Where one was asked for. */
  readonly lease?: Lease | null
}

export interface Progress {
  readonly updates?: readonly CommandUpdate[]
  readonly finished?: readonly number[]
  readonly appends?: readonly ChunkDraft[]
}

export class Scene {
  readonly store: AnyStore
  readonly subject: StoreUnderTest
  readonly expect: TestApi['expect']
  #chunks = 0

  constructor(subject: StoreUnderTest, expect: TestApi['expect']) {
    this.subject = subject
    this.store = subject.store
    this.expect = expect
  }

  now(): number {
    return this.subject.now()
  }

  async advance(ms: number): Promise<void> {
    await this.subject.advance(ms)
  }

  /** A UUIDv7 as 32 hex digits, larger than those before. */
  newChunkId = (): string => {
    this.#chunks += 1
    return `${this.now().toString(16).padStart(12, '0')}7000${this.#chunks.toString(16).padStart(16, '8000000000000000')}`
  }

  draft(options: DraftOptions = {}): ChunkDraft {
    const { payloads: given, keys, windowMs = DAY_MS, ...rest } = options
    const payloads = given ?? Array.from({ length: rest.size ?? 1 }, (_, index) => ({ n: index }))
    const texts = payloads.map((payload) => JSON.stringify(payload))
    return {
      id: this.newChunkId(),
      queue: 'main',
      type: 'work',
      priority: 0,
      partition: null,
      codec: 'json',
      parked: null,
      ...rest,
      body: encodeBody(texts),
      size: texts.length,
      keys:
        keys?.map((key, index) =>
          key === null ? null : { key, fingerprint: `of ${texts[index]}`, windowMs },
        ) ?? null,
    }
  }

  async submit(options: DraftOptions = {}): Promise<Submitted> {
    return (await this.append([this.draft(options)]))[0] as Submitted
  }

  async append(drafts: readonly ChunkDraft[], options: AppendOptions<never> = {}): Promise<Submitted[]> {
    const results = await this.store.append(drafts, options)
    this.expect(results).toHaveLength(drafts.length)
    return results.map((result, at) => {
      const { id, size } = drafts[at] as ChunkDraft
      return { chunkId: id, ids: Array.from({ length: size }, (_, index) => commandId(id, index)), ...result }
    })
  }

  /** Submits the chunk and leases it in the same commit. */
  async submitLeased(options: DraftOptions = {}, workerId = 'worker-1'): Promise<Submitted> {
    const [submitted] = await this.append([this.draft(options)], { lease: { workerId, leaseMs: LEASE_MS } })
    return submitted as Submitted
  }

  claim(request: Partial<ClaimRequest> = {}): Promise<readonly Lease[]> {
    return this.store.claim({
      queue: 'main',
      types: ['work'],
      chunksMax: 100,
      commandsMax: 100_000,
      leaseMs: LEASE_MS,
      workerId: 'worker-1',
      ...request,
    })
  }

  async claimOne(request: Partial<ClaimRequest> = {}): Promise<Lease> {
    const leases = await this.claim(request)
    this.expect(leases).toHaveLength(1)
    return leases[0] as Lease
  }

  async settle(lease: LeaseRef, progress: Progress & { complete?: boolean } = {}): Promise<LeaseVerdict> {
    return (await this.store.settle([settlementOf(lease, progress)]))[0] as LeaseVerdict
  }

  async extend(
    lease: LeaseRef,
    progress: Progress & Pick<LeaseProgress, 'cursor' | 'release'> = {},
    leaseMs = LEASE_MS,
  ): Promise<LeaseVerdict> {
    const { chunkId, token } = lease
    const item = { updates: [], finished: [], ...progress, chunkId, token }
    return (await this.store.extend([item], leaseMs))[0] as LeaseVerdict
  }

  /** Submits a command for each update, and settles it with that. */
  async park(updates: readonly CommandUpdate[], options: DraftOptions = {}): Promise<Submitted> {
    const submitted = await this.submit({ size: updates.length, ...options })
    const { queue = 'main', type = 'work' } = options
    this.expect(await this.settle(await this.claimOne({ queue, types: [type] }), { updates })).toBe('ok')
    return submitted
  }

  /** Promotes what is due by then. */
  async promoteAfter(ms: number): Promise<number> {
    await this.advance(ms + 1)
    return this.promote()
  }

  promote(request: Partial<PromoteRequest> = {}): Promise<number> {
    return this.store.promote({
      limit: 1_000,
      chunkCommandsMax: 1_000,
      newChunkId: this.newChunkId,
      ...request,
    })
  }

  prune(request: Partial<PruneRequest> = {}) {
    return this.store.prune({ retentionMs: DAY_MS, failedRetentionMs: 30 * DAY_MS, limit: 1_000, ...request })
  }

  async view(id: string | undefined): Promise<CommandView> {
    const [view] = await this.store.reader.get([id as string], { payload: true })
    this.expect(view, `command ${id} is in the store`).not.toBe(null)
    return view as CommandView
  }

  /** States of the commands in order; null for one that the store does not have. */
  async states(ids: readonly string[]): Promise<(CommandState | null)[]> {
    return (await this.store.reader.get(ids)).map((view) => view?.state ?? null)
  }
}

/** What a worker settles; without a word everything succeeded and the chunk is complete. */
export function settlementOf(lease: LeaseRef, progress: Progress & { complete?: boolean } = {}): Settlement {
  const { updates = [], finished = [], complete = true, appends } = progress
  const item = { chunkId: lease.chunkId, token: lease.token, updates, finished, complete }
  return appends === undefined ? item : { ...item, appends }
}
