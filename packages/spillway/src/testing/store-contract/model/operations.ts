// The steps of a random sequence. Each is drawn, done to the store, predicted by the model and compared.

import {
  type ChunkDraft,
  commandId,
  type LeaseProgress,
  type QueueSettings,
  type Settlement,
} from '../../../domain/index.js'
import type { ClaimRequest } from '../../../ports/index.js'
import { rejectionOf } from '../rejection.js'
import { type Scope, steps } from '../steps.js'
import { appendSettledToModel, appendToModel } from './appending.js'
import { expectNothingPassedOver, leaseInModel, mayBeLeased, roomInModel } from './claiming.js'
import { drawDraft, drawLease, drawProgress, drawSettlement, LEASES_MS } from './drawing.js'
import {
  effectOf,
  effectsWrite,
  liveIndexes,
  type ModelChunk,
  type ModelCommand,
  settingsInModel,
} from './model.js'
import { promoteWith } from './promoting.js'
import { extendInModel, heldInModel, pruneModel, settleInModel } from './settling.js'
import { tenantsInModel } from './tenants.js'
import { drawUpdate } from './updating.js'
import { cancel, complete, discard, redrive } from './verbs.js'
import type { World } from './world.js'

const STEP_MS = 10_000
const RETENTION_MS = 100_005
type Operation = (world: World) => Promise<void>

async function submit(world: World): Promise<void> {
  const { scene, model, choices, drafts } = world
  const sent = Array.from({ length: 1 + choices.below(2) }, () => drawDraft(world))
  if (drafts.length > 0 && choices.once(4)) sent.push(choices.pick(drafts as [(typeof drafts)[0]]))
  drafts.push(...sent)
  const how = choices.pick([
    'plain',
    'plain',
    'plain',
    'atomic',
    'atomic',
    'remember',
    'lease',
    'lease',
  ] as const)
  if (how === 'lease') return submitLeased(world, sent)
  const options = how === 'plain' ? {} : { [how]: true }
  const answer = await scene.store.append(sent, options)
  scene.expect(answer).toEqual(appendToModel(model, sent, options, scene.now()))
}

/** What a claim could take is leased at once, whatever waits; the rest is left to claims. */
async function submitLeased(
  { scene, model, choices, leases }: World,
  sent: readonly ChunkDraft[],
): Promise<void> {
  const lease = { workerId: 'worker', leaseMs: choices.pick(LEASES_MS) }
  const leasable = new Set(sent.filter(({ id }) => !model.chunks.has(id)).map(({ id }) => id))
  const answers = await scene.store.append(sent, { lease })
  scene
    .expect(answers.map(({ lease: _, ...rest }) => rest))
    .toEqual(appendToModel(model, sent, { remember: true }, scene.now()))
  for (const [at, { id, queue, type }] of sent.entries()) {
    const request = { ...lease, queue, types: [type], chunksMax: 1, commandsMax: 1 }
    const given = answers[at]?.lease ?? null
    const expected = leasable.delete(id) && mayBeLeased(model, id, request, scene.now())
    scene.expect(given !== null, `chunk ${id} is leased as it is stored`).toBe(expected)
    if (given === null) continue
    leaseInModel(model, given, request, scene.now(), scene.expect)
    leases.push(given)
  }
}

async function claim(world: World): Promise<void> {
  const { choices } = world
  const queue = choices.pick(world.lanes)
  const tenant = queue === 'main' ? choices.pick([undefined, undefined, '', 'a']) : undefined
  await claimWith(world, {
    queue,
    types: choices.pick([['work', 'other'], ['work'], ['other']]),
    chunksMax: 1 + choices.below(3),
    commandsMax: 1_000,
    leaseMs: choices.pick(LEASES_MS),
    workerId: 'worker',
    ...(tenant === undefined ? {} : { tenant }),
    ...(choices.once(3) ? { oldestFirst: true } : {}),
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

async function askTenants({ scene, model }: World): Promise<void> {
  const types = ['work', 'other']
  const answer = await scene.store.readyTenants('main', types, 10)
  // A claim finds nothing where the limit leaves no room: a store may say so, or name those who wait for it.
  if (answer.length === 0 && roomInModel(model, { queue: 'main', chunksMax: 1 }, scene.now()) === 0) return
  const expected = tenantsInModel(model, { queue: 'main', types }, scene.now())
  scene.expect(Object.fromEntries(answer.map(({ tenant, oldestAt }) => [tenant, oldestAt]))).toEqual(expected)
  scene.expect(answer).toHaveLength(Object.keys(expected).length)
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
  // Only what is executed has effects.
  if (held !== null && held.stage !== 'execute') return
  const spoken = new Set(item.updates.filter(({ state }) => state !== 'succeeded').map(({ index }) => index))
  const silent = held === null ? [] : liveIndexes(held).filter((index) => !spoken.has(index))
  const said = new Set([...item.finished, ...item.updates.map(({ index }) => index)])
  const succeeding = silent.filter((index) => item.complete || said.has(index))
  const commands = succeeding.map((index) => held?.commands[index] as ModelCommand)
  const effects = commands.map(effectOf)
  const crash = choices.once(3) ? new Error('crashed in the handler') : null
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
    for (const command of commands) {
      const effect = effectOf(command)
      const before = model.effects.has(effect) && !model.forgotten.has(command.id)
      scene.expect(before, `${effect} happened before`).toBe(false)
      model.effects.add(effect)
    }
  } else scene.expect(await rejectionOf(settling)).toBe(crash)
  await expectEffects(world)
}

/** Chunks with the effects of their commands, in one commit or not at all. */
async function appendSettled(world: World): Promise<void> {
  const { scene, model, choices, drafts } = world
  if (scene.store.capabilities.transactionalSettle === 'none') return
  const sent = Array.from({ length: 1 + choices.below(2) }, () => drawDraft(world))
  // What was forgotten has had its effects.
  const known = drafts.filter(({ id }) => model.chunks.has(id))
  if (known.length > 0 && choices.once(6)) sent.push(choices.pick(known as [ChunkDraft]))
  drafts.push(...sent)
  const effects = sent.flatMap(({ id, size }) =>
    Array.from({ length: size }, (_, index) => effectOf({ id: commandId(id, index), generation: 0 })),
  )
  const answer = await scene.store.appendSettled(sent, effectsWrite(effects))
  scene.expect(answer).toBe(appendSettledToModel(model, sent, scene.now()))
  if (answer !== null) for (const effect of effects) model.effects.add(effect)
  await expectEffects(world)
}

async function expectEffects({ scene, model }: World): Promise<void> {
  const rows = await scene.subject.readTable('effects')
  scene.expect(rows.map(({ id }) => id).sort()).toEqual([...model.effects].sort())
}

async function advance({ scene, choices }: World): Promise<void> {
  await scene.advance(STEP_MS * choices.pick([1, 1, 2, 5]))
}

async function promote(world: World): Promise<void> {
  await promoteWith(world, 1 + world.choices.below(6))
}

async function configure({ scene, model, choices }: World): Promise<void> {
  const queue = choices.pick(['main', 'ordered'])
  const before = settingsInModel(model, queue)
  const change = choices.pick<Partial<QueueSettings>>([
    { paused: !before.paused },
    { paused: true, pauseReason: 'because' },
    { leasesMax: 1 },
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
  if (scene.subject.dropsKeysLate !== true) scene.expect(report.keys).toBe(expired.length)
  for (const [name] of expired) model.keys.delete(name)
}

/** A worker at once says about everything it gets how it did not simply succeed. */
async function fail(world: World): Promise<void> {
  const { scene, model, choices, leases } = world
  const request = {
    types: ['work', 'other'],
    chunksMax: 2,
    commandsMax: 1_000,
    leaseMs: LEASES_MS[0],
    workerId: 'worker',
  }
  const given = await claimWith(world, { ...request, queue: choices.pick(world.lanes) })
  const items = leases.slice(leases.length - given).map(({ chunkId, token }): Settlement => {
    const chunk = model.chunks.get(chunkId) as ModelChunk
    const updates = liveIndexes(chunk).map((index) =>
      drawUpdate(world, index, chunk, chunk.commands[index] ?? null),
    )
    return { chunkId, token, updates, finished: [], complete: true }
  })
  const answer = await scene.store.settle(items)
  scene.expect(answer).toEqual(items.map((item) => settleInModel(model, item, scene.now())))
}

async function wait(world: World): Promise<void> {
  await world.scene.advance(STEP_MS * 3)
  await promoteWith(world, 3 + world.choices.below(4))
}

type Operations = readonly [Operation, ...Operation[]]

/** What a step may be; likely ones are named more often. */
const CALM: Operations = [
  submit,
  submit,
  appendSettled,
  appendSettled,
  claim,
  claim,
  claim,
  settle,
  settle,
  extend,
  settleWithin,
  settleWithin,
  advance,
  advance,
  promote,
  cancel,
  redrive,
  configure,
  configure,
  askTenants,
  prune,
]

const BAD_DAYS: Operations = [
  submit,
  submit,
  appendSettled,
  claim,
  settle,
  extend,
  fail,
  fail,
  fail,
  wait,
  wait,
  wait,
  cancel,
  redrive,
  discard,
  complete,
  complete,
  prune,
]

/** Of the kinds of times in which a story may play. */
export const TIMES: readonly [Operations, Operations] = [CALM, BAD_DAYS]
