// Whether a lease may be given: that nobody else has the chunk (I7), that its token is new (I5), that exactly what still
// has to run is to run, and that nothing which goes first was passed over.

import { carriedState, type Lease } from '../../../domain/index.js'
import type { ClaimRequest } from '../../../ports/index.js'
import type { TestApi } from '../harness.js'
import {
  liveIndexes,
  type Model,
  type ModelChunk,
  type ModelCommand,
  newModelChunk,
  settingsInModel,
  showCarried,
} from './model.js'
import { expectBlockers, expectPlace } from './ordering.js'

type Expect = TestApi['expect']

export function leaseInModel(
  model: Model,
  lease: Lease,
  request: ClaimRequest,
  now: number,
  expect: Expect,
): void {
  const chunk = model.chunks.get(lease.chunkId) ?? unseal(model, lease, expect)
  const { queue, type, priority, partition, tenant, stage } = lease
  expect({ queue, type, priority, partition, tenant }).toEqual(chunk.draft)
  expect(stage).toBe(chunk.stage)
  if (request.tenant !== undefined) expect(tenant ?? '').toBe(request.tenant)
  expect(queue).toBe(request.queue)
  expect(request.types.includes(type), 'a type that was asked for').toBe(true)
  expect(settingsInModel(model, queue).paused, 'claimed from a paused queue').toBe(false)
  expect(isLeased(chunk, now), 'somebody else holds the lease (I7)').toBe(false)
  expect(lease.token, 'tokens increase (I5)').toBeGreaterThan(chunk.token)
  expectPartitionFree(model, chunk, now, expect)
  const lost = chunk.leasedUntil !== null
  if (lost) chunk.expiries += 1
  expect(lease.expiries).toBe(chunk.expiries)
  expect(lease.cursor).toBe(chunk.cursor)
  expect(lease.createdAt).toBe(chunk.createdAt)
  expect(lease.skip).toEqual(
    chunk.commands.flatMap((_, index) => (liveIndexes(chunk).includes(index) ? [] : [index])),
  )
  expectCargo(model, chunk, lease, lost, expect)
  expectBlockers(model, chunk, lease, expect)
  chunk.token = lease.token
  chunk.leasedUntil = now + request.leaseMs
  showCarried(chunk, true)
}

export function isLeased(chunk: ModelChunk, now: number): boolean {
  return chunk.leasedUntil !== null && chunk.leasedUntil > now
}

/** The first sight of a promoted chunk: it must carry commands that were promoted and that no other chunk carries. */
function unseal(model: Model, lease: Lease, expect: Expect): ModelChunk {
  const seq = model.sealed.get(lease.chunkId)
  expect(seq, `chunk ${lease.chunkId} was submitted or promoted`).not.toBe(undefined)
  model.sealed.delete(lease.chunkId)
  const { queue, type, priority, partition, tenant, stage, createdAt } = lease
  const chunk = newModelChunk(
    {
      id: lease.chunkId,
      draft: { queue, type, priority, partition, tenant },
      stage,
      seq: seq ?? 0,
      createdAt,
      promoted: true,
      verdicts: null,
    },
    () => (lease.members ?? []).map(({ id }) => model.commands.get(id) ?? null),
  )
  for (const index of lease.skip) chunk.over.add(index)
  for (const index of liveIndexes(chunk)) {
    const command = chunk.commands[index] as ModelCommand
    expect(command.carrier, `${command.id} was promoted and in no other chunk yet (I17)`).toBe('sealed')
    expect(stage, `stage of ${command.id}`).toBe(command.stage)
    expect(chunk.draft, `kind of ${command.id}`).toEqual(command.origin.draft)
    command.carrier = chunk
  }
  model.chunks.set(chunk.id, chunk)
  return chunk
}

function expectCargo(model: Model, chunk: ModelChunk, lease: Lease, lost: boolean, expect: Expect): void {
  const payloads: unknown[] = JSON.parse(lease.body)
  expect(payloads).toHaveLength(lease.size)
  expect(lease.members !== null).toBe(chunk.promoted)
  for (const index of liveIndexes(chunk)) {
    const command = chunk.commands[index] as ModelCommand
    const member = lease.members?.[index]
    expect(JSON.stringify(payloads[index])).toBe(command.payload)
    expect(carriedState(chunk.stage, lost), `${command.id} waits in this chunk`).toBe(command.state)
    if (member !== undefined) {
      const { id, attempts, memo, orderingKey } = command
      const { place, ...rest } = member
      expect(rest).toEqual({ id, attempts, acceptedAt: command.origin.createdAt, memo, orderingKey })
      expectPlace(model, command, place, expect)
    }
  }
}

function expectPartitionFree(model: Model, chunk: ModelChunk, now: number, expect: Expect): void {
  const { partition, queue } = chunk.draft
  if (partition === null) return
  for (const other of model.chunks.values()) {
    const same = other.draft.partition === partition && other.draft.queue === queue
    if (other === chunk || !same || other.doneAt !== null) continue
    expect(isLeased(other, now), `partition ${partition} has a lease already`).toBe(false)
    expect(other.seq, `an older chunk of partition ${partition} waits`).toBeGreaterThan(chunk.seq - 1)
  }
}

/** Chunks that a claim may give: as many as it asks for, or fewer where the queue has a limit (I7). */
export function roomInModel(
  model: Model,
  { queue, chunksMax }: Pick<ClaimRequest, 'queue' | 'chunksMax'>,
  now: number,
): number {
  const { leasesMax } = settingsInModel(model, queue)
  if (leasesMax === null) return chunksMax
  const open = [...model.chunks.values()].filter(
    (chunk) => chunk.draft.queue === queue && chunk.doneAt === null,
  )
  const leased = open.filter((chunk) => isLeased(chunk, now)).length
  return Math.max(0, Math.min(chunksMax, leasesMax - leased))
}

/** Whether a chunk that was just stored is one that a claim could take. */
export function mayBeLeased(model: Model, chunkId: string, request: ClaimRequest, now: number): boolean {
  const chunk = model.chunks.get(chunkId)
  if (chunk === undefined || chunk.doneAt !== null || chunk.draft.partition !== null) return false
  return !settingsInModel(model, request.queue).paused && roomInModel(model, request, now) > 0
}

function isWanted({ draft }: ModelChunk, { queue, types, tenant }: ClaimRequest): boolean {
  if (draft.queue !== queue || !types.includes(draft.type)) return false
  return tenant === undefined || (draft.tenant ?? '') === tenant
}

/** Nothing that a claim may give was left, and nothing that goes first was passed over. */
export function expectNothingPassedOver(
  model: Model,
  leases: readonly Lease[],
  request: ClaimRequest,
  room: number,
  now: number,
  expect: Expect,
): void {
  const last = leases.at(-1)
  const lastTaken = last === undefined ? undefined : model.chunks.get(last.chunkId)
  for (const chunk of model.chunks.values()) {
    const { priority, partition } = chunk.draft
    if (partition !== null || !isWanted(chunk, request)) continue
    const { queue } = request
    if (chunk.doneAt !== null || settingsInModel(model, queue).paused || isLeased(chunk, now)) continue
    const full = leases.length === room
    expect(full, `chunk ${chunk.id} could have been claimed`).toBe(true)
    if (lastTaken === undefined) continue
    if (request.oldestFirst === true) {
      expect(chunk.seq, 'an older chunk was passed over').toBeGreaterThan(lastTaken.seq - 1)
      continue
    }
    const first = lastTaken.draft.priority
    expect(first, 'a chunk of higher priority was passed over').toBeGreaterThan(priority - 1)
    if (first === priority)
      expect(chunk.seq, 'an older chunk was passed over').toBeGreaterThan(lastTaken.seq - 1)
  }
}
