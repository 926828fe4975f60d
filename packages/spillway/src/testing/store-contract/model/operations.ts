// The steps of a random sequence. Each is drawn, done to the store, predicted by the model and compared.

import { type LeaseProgress, type QueueSettings, transition } from '../../../domain/index.js'
import type { ClaimRequest } from '../../../ports/index.js'
import { rejectionOf } from '../rejection.js'
import { type Scope, steps } from '../steps.js'
import { appendToModel } from './appending.js'
import { expectNothingPassedOver, leaseInModel, roomInModel } from './claiming.js'
import { drawDraft, drawIds, drawLease, drawProgress, drawSettlement, LEASES_MS } from './drawing.js'
import { effectOf, effectsWrite, liveIndexes, type ModelCommand, settingsInModel } from './model.js'
import { cancelInModel, extendInModel, heldInModel, pruneModel, settleInModel } from './settling.js'
import type { World } from './world.js'

const STEP_MS = 10_000
const RETENTION_MS = 100_005

type Operation = (world: World) => Promise<void>

async function submit({ scene, model, choices, drafts }: World): Promise<void> {
  const sent = Array.from({ length: 1 + choices.below(2) }, () => drawDraft(scene, choices))
  if (drafts.length > 0 && choices.once(4)) sent.push(choices.pick(drafts as [(typeof drafts)[0]]))
  drafts.push(...sent)
  const atomic = choices.once(4)
  const answer = await scene.store.append(sent, { atomic })
  scene.expect(answer).toEqual(appendToModel(model, sent, atomic, scene.now()))
}

async function claim(world: World): Promise<void> {
  const { choices } = world
  await claimWith(world, {
    queue: choices.pick(['main', 'main', 'ordered']),
    types: choices.pick([['work', 'other'], ['work'], ['other']]),
    chunksMax: 1 + choices.below(3),
    commandsMax: 1_000,
    leaseMs: choices.pick(LEASES_MS),
    workerId: 'worker',
  })
}

export async function claimWith({ scene, model, leases }: World, request: ClaimRequest): Promise<number> {
  const room = roomInModel(model, request, scene.now())
  const given = await scene.store.claim(request)
  scene.expect(given.length, 'leases at once (I7)').toBeLessThan(room + 1)
  for (const lease of given) leaseInModel(model, lease, request, scene.now(), scene.expect)
  expectNothingPassedOver(model, given, request, room, scene.now(), scene.expect)
  leases.push(...given)
  return given.length
}

async function settle(world: World): Promise<void> {
  const { scene, model } = world
  const items = [drawSettlement(world), drawSettlement(world)].filter((item) => item !== null)
  const answer = await scene.store.settle(items)
  scene.expect(answer).toEqual(items.map((item) => settleInModel(model, item, scene.now())))
}

async function extend(world: World): Promise<void> {
  const { scene, model, choices } = world
  const ref = drawLease(world)
  if (ref === null) return
  const last = heldInModel(model, ref)
  const cursor = last === null ? undefined : choices.pick([undefined, null, ...liveIndexes(last).slice(-1)])
  const item: LeaseProgress = {
    ...drawProgress(world, ref, false),
    ...(cursor === undefined ? {} : { cursor }),
    release: choices.once(3),
  }
  const leaseMs = choices.pick(LEASES_MS)
  const answer = await scene.store.extend([item], leaseMs)
  scene.expect(answer).toEqual([extendInModel(model, item, leaseMs, scene.now())])
}

/** Effects of what succeeds and the settlement, together or not at all (I6). */
async function settleWithin(world: World): Promise<void> {
  const { scene, model, choices } = world
  const item = drawSettlement(world)
  if (item === null || scene.store.capabilities.transactionalSettle === 'none') return
  const held = heldInModel(model, item)
  const spoken = new Set(item.updates.filter(({ state }) => state !== 'succeeded').map(({ index }) => index))
  const silent = held === null ? [] : liveIndexes(held).filter((index) => !spoken.has(index))
  const said = new Set([...item.finished, ...item.updates.map(({ index }) => index)])
  const succeeding = silent.filter((index) => item.complete || said.has(index))
  const effects = succeeding.map((index) => effectOf(held?.commands[index] as ModelCommand))
  const crash = choices.once(4) ? new Error('crashed in the handler') : null
  const settling = scene.store.settleWithin([item], (scope: Scope, valid: readonly boolean[]) =>
    steps(function* () {
      scene.expect(valid).toEqual([held !== null])
      yield scope.write(effectsWrite(effects))
      if (crash !== null) throw crash
      return valid[0] ? [item] : []
    }),
  )
  if (crash === null) {
    scene.expect(await settling).toEqual([held === null ? 'stale' : 'ok'])
    settleInModel(model, item, scene.now())
    for (const effect of effects) {
      scene.expect(model.effects.has(effect), `${effect} happened before`).toBe(false)
      model.effects.add(effect)
    }
  } else scene.expect(await rejectionOf(settling)).toBe(crash)
  const rows = await scene.subject.readTable('effects')
  scene.expect(rows.map(({ id }) => id).sort()).toEqual([...model.effects].sort())
}

async function advance({ scene, choices }: World): Promise<void> {
  await scene.advance(STEP_MS * choices.pick([1, 1, 2, 5]))
}

async function promote(world: World): Promise<void> {
  await promoteWith(world, 1 + world.choices.below(6))
}

/** As many as are due, the longest due first, and each once (I10, I17). */
export async function promoteWith({ scene, model }: World, limit: number): Promise<void> {
  const { expect, store } = scene
  const due = model.inState('scheduled', 'retrying').filter(({ nextAt }) => nextAt <= scene.now())
  const seq = model.nextSeq()
  const newChunkId = () => {
    const id = scene.newChunkId()
    model.sealed.set(id, seq)
    return id
  }
  expect(await store.promote({ limit, chunkCommandsMax: 2, newChunkId })).toBe(Math.min(limit, due.length))
  const states = await scene.states(due.map(({ id }) => id))
  const moved = due.filter((_, at) => states[at] === 'accepted')
  const kept = due.filter((command) => !moved.includes(command))
  expect(moved).toHaveLength(Math.min(limit, due.length))
  for (const { nextAt } of kept) {
    for (const earlier of moved) expect(earlier.nextAt).toBeLessThan(nextAt + 1)
  }
  for (const command of moved) command.state = 'accepted'
}

async function cancel(world: World): Promise<void> {
  const { scene, model } = world
  const ids = drawIds(world)
  const answer = await scene.store.control.cancel(ids)
  for (const [at, id] of ids.entries()) {
    const command = model.commands.get(id) as ModelCommand
    const allowed = transition(command.state, 'cancel') !== null
    scene.expect(answer[at]).toBe(allowed ? 'ok' : 'conflict')
    if (allowed) cancelInModel(model, command, scene.now())
  }
}

async function redrive(world: World): Promise<void> {
  const { scene, model } = world
  const ids = drawIds(world)
  const answer = await scene.store.control.redrive(ids)
  for (const [at, id] of ids.entries()) {
    const command = model.commands.get(id) as ModelCommand
    const allowed = transition(command.state, 'redrive') !== null
    scene.expect(answer[at]).toBe(allowed ? 'ok' : 'conflict')
    if (!allowed) continue
    command.state = 'retrying'
    command.attempts = 0
    command.generation += 1
    command.nextAt = scene.now()
  }
}

async function configure({ scene, model, choices }: World): Promise<void> {
  const queue = choices.pick(['main', 'ordered'])
  const before = settingsInModel(model, queue)
  const change = choices.pick<Partial<QueueSettings>>([
    { paused: !before.paused },
    { paused: true, pauseReason: 'because' },
    { leasesMax: 2 },
    { leasesMax: null },
  ])
  const after = { ...before, ...change }
  const expected = { ...after, pauseReason: after.paused ? after.pauseReason : null }
  scene.expect(await scene.store.control.configureQueue(queue, change)).toEqual(expected)
  model.settings.set(queue, expected)
}

async function prune({ scene, model }: World): Promise<void> {
  const now = scene.now()
  const expired = [...model.keys].filter(([, { expiresAt }]) => expiresAt <= now)
  const report = await scene.prune({ retentionMs: RETENTION_MS, failedRetentionMs: RETENTION_MS })
  scene.expect(report.commands).toBe(pruneModel(model, now - RETENTION_MS))
  scene.expect(report.keys).toBe(expired.length)
  for (const [name] of expired) model.keys.delete(name)
}

/** What a step may be; likely ones are named more often. */
export const OPERATIONS: readonly [Operation, ...Operation[]] = [
  submit,
  submit,
  claim,
  claim,
  settle,
  settle,
  extend,
  settleWithin,
  advance,
  advance,
  promote,
  cancel,
  redrive,
  configure,
  prune,
]
