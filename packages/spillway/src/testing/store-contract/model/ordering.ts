// Who stands before whom in an ordered queue of the model, who holds up whom, and who may follow.

import type { CommandState, Lease, Place } from '../../../domain/index.js'
import type { TestApi } from '../harness.js'
import type { Model, ModelChunk, ModelCommand } from './model.js'

type Expect = TestApi['expect']

const HOLDING: readonly CommandState[] = ['retrying', 'reconciling', 'pending', 'compensating', 'dead']

function inOrder(a: ModelCommand, b: ModelCommand): number {
  return a.origin.seq - b.origin.seq || a.index - b.index
}

/** By due time, then place: as they are promoted. */
export function byDueTime(a: ModelCommand, b: ModelCommand): number {
  return a.nextAt - b.nextAt || inOrder(a, b)
}

function holdsUp({ orderingKey, state, carrier }: ModelCommand): boolean {
  return orderingKey !== null && (carrier !== null || HOLDING.includes(state))
}

function isAlike(a: ModelCommand, b: ModelCommand): boolean {
  return a.orderingKey === b.orderingKey && isSamePartition(a.origin, b.origin)
}

function isSamePartition({ draft: a }: ModelChunk, { draft: b }: ModelChunk): boolean {
  return a.queue === b.queue && a.partition === b.partition
}

/** Blocked commands that nobody before them holds up, in order. */
export function freeInModel(model: Model): ModelCommand[] {
  const holders = [...model.commands.values()].filter(holdsUp)
  return model
    .inState('blocked')
    .filter((one) => !holders.some((other) => isAlike(one, other) && inOrder(other, one) < 0))
    .sort(inOrder)
}

/** Of each key those that were let go come before those that were not (I8). */
export function expectInOrder(
  released: readonly ModelCommand[],
  kept: readonly ModelCommand[],
  expect: Expect,
): void {
  for (const later of released) {
    const passed = kept.filter((one) => isAlike(one, later) && inOrder(one, later) < 0)
    expect(passed, `${later.id} went before an earlier command of its key`).toEqual([])
  }
}

/** What the lease says about held up keys is what the model knows (I8). */
export function expectBlockers(model: Model, chunk: ModelChunk, lease: Lease, expect: Expect): void {
  if (chunk.draft.partition === null) {
    expect(lease.blockers).toBe(null)
    return
  }
  const first = new Map<string, ModelCommand>()
  for (const command of model.commands.values()) {
    if (!isSamePartition(command.origin, chunk) || command.carrier === chunk) continue
    if (command.orderingKey === null || !(holdsUp(command) || command.state === 'blocked')) continue
    const known = first.get(command.orderingKey)
    if (known === undefined || inOrder(command, known) < 0) first.set(command.orderingKey, command)
  }
  const blockers = lease.blockers ?? []
  expect(blockers.map(({ orderingKey }) => orderingKey).sort()).toEqual([...first.keys()].sort())
  for (const { orderingKey, place } of blockers) {
    expectPlace(model, first.get(orderingKey) as ModelCommand, place, expect)
  }
}

/** The store numbers places as it likes, as long as it keeps to it and they ascend in commit order. */
export function expectPlace(model: Model, command: ModelCommand, place: Place | null, expect: Expect): void {
  if (command.origin.draft.partition === null) {
    expect(place).toBe(null)
    return
  }
  const [seq, index] = place ?? [-1, -1]
  expect(index, `index of ${command.id}`).toBe(command.index)
  const known = model.places.get(command.origin)
  if (known !== undefined) {
    expect(seq, `place of chunk ${command.origin.id}`).toBe(known)
    return
  }
  for (const [other, otherSeq] of model.places) {
    if (other.seq < command.origin.seq) expect(seq).toBeGreaterThan(otherSeq)
    else expect(seq).toBeLessThan(otherSeq)
  }
  model.places.set(command.origin, seq)
}
