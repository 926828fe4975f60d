// What a holder's writes must come to: `stale` for every token but the current one, and otherwise exactly what was said.

import {
  type CommandUpdate,
  CRASHES_BEFORE_ISOLATION,
  isTerminal,
  type LeaseProgress,
  type LeaseRef,
  type LeaseVerdict,
  type Settlement,
} from '../../../domain/index.js'
import { appendFollowing } from './appending.js'
import { liveIndexes, type Model, type ModelChunk, type ModelCommand, showCarried } from './model.js'

/** The chunk while this token holds it, expired or not, as long as nobody took it over. */
export function heldInModel(model: Model, { chunkId, token }: LeaseRef): ModelChunk | null {
  const chunk = model.chunks.get(chunkId)
  if (chunk === undefined || chunk.leasedUntil === null || chunk.doneAt !== null) return null
  return chunk.token === token ? chunk : null
}

export function settleInModel(model: Model, item: Settlement, now: number): LeaseVerdict {
  const chunk = heldInModel(model, item)
  if (chunk === null) return 'stale'
  progress(chunk, item, now)
  if (item.complete) {
    for (const index of liveIndexes(chunk)) finish(chunk, index, now)
    chunk.doneAt = now
  }
  appendFollowing(model, item.appends, now)
  return 'ok'
}

export function extendInModel(model: Model, item: LeaseProgress, leaseMs: number, now: number): LeaseVerdict {
  const chunk = heldInModel(model, item)
  if (chunk === null) return 'stale'
  progress(chunk, item, now)
  appendFollowing(model, item.appends, now)
  chunk.leasedUntil = now + leaseMs
  if (item.cursor !== undefined) chunk.cursor = item.cursor
  if (item.release === true) {
    chunk.leasedUntil = null
    chunk.cursor = null
    showCarried(chunk, false)
  }
  return 'ok'
}

function progress(chunk: ModelChunk, item: Pick<Settlement, 'updates' | 'finished'>, now: number): void {
  for (const update of item.updates) {
    if (liveIndexes(chunk).includes(update.index)) apply(chunk, update, now)
  }
  for (const index of item.finished) {
    if (liveIndexes(chunk).includes(index)) finish(chunk, index, now)
  }
}

function apply(chunk: ModelChunk, update: CommandUpdate, now: number): void {
  const command = chunk.commands[update.index] as ModelCommand
  end(chunk, update.index)
  if (chunk.promoted || update.state !== 'succeeded') {
    updateInModel(command, update, now)
    return
  }
  // It has no row: nothing is kept of it but its value.
  command.state = 'succeeded'
  command.attempts = null
  command.finishedAt = now
}

/** Writes what came of a command that has a row. */
export function updateInModel(
  command: ModelCommand,
  update: Omit<CommandUpdate, 'index'>,
  now: number,
): void {
  const { state, attempts, delayMs, stage = 'execute', memo, orderingKey = null, completion = null } = update
  command.carrier = null
  command.state = state
  command.attempts = attempts
  command.nextAt = now + delayMs
  command.stage = stage
  if (memo !== undefined) command.memo = memo
  command.orderingKey = orderingKey
  command.completion =
    completion === null ? null : { tokenHash: completion.tokenHash, expiresAt: now + completion.expiresInMs }
  if (isTerminal(state)) command.finishedAt = now
}

function finish(chunk: ModelChunk, index: number, now: number): void {
  const command = chunk.commands[index] as ModelCommand
  end(chunk, index)
  command.carrier = null
  command.state = 'succeeded'
  command.completion = null
  // Asking about it is not an execution.
  const lost = Math.min(chunk.expiries, CRASHES_BEFORE_ISOLATION)
  const executions = chunk.stage === 'execute' ? lost + 1 : 0
  command.attempts = chunk.promoted ? (command.attempts ?? 0) + executions : null
  command.finishedAt = now
}

function end(chunk: ModelChunk, index: number): void {
  chunk.over.add(index)
  if (chunk.cursor === index) chunk.cursor = null
}

export function cancelInModel(model: Model, command: ModelCommand, now: number): void {
  for (const chunk of model.chunks.values()) {
    const index = chunk.commands.indexOf(command)
    if (index === -1 || chunk.doneAt !== null || chunk.over.has(index)) continue
    chunk.over.add(index)
    if (liveIndexes(chunk).length === 0) chunk.doneAt = now
  }
  command.carrier = null
  command.state = 'cancelled'
  command.finishedAt = now
}

/** Forgets families that ended before `until`; returns how many commands went. */
export function pruneModel(model: Model, until: number): number {
  let commands = 0
  for (const chunk of [...model.chunks.values()]) {
    if (chunk.promoted || chunk.doneAt === null || chunk.doneAt > until) continue
    const family = chunk.commands.filter((command) => command !== null)
    if (family.some(({ state, finishedAt }) => !isTerminal(state) || finishedAt > until)) continue
    for (const { id } of family) {
      model.commands.delete(id)
      model.forgotten.add(id)
    }
    model.chunks.delete(chunk.id)
    commands += family.length
  }
  return commands
}
