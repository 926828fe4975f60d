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
import { liveIndexes, type Model, type ModelChunk, type ModelCommand } from './model.js'

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
  return 'ok'
}

export function extendInModel(model: Model, item: LeaseProgress, leaseMs: number, now: number): LeaseVerdict {
  const chunk = heldInModel(model, item)
  if (chunk === null) return 'stale'
  progress(chunk, item, now)
  chunk.leasedUntil = now + leaseMs
  if (item.cursor !== undefined) chunk.cursor = item.cursor
  if (item.release === true) {
    chunk.leasedUntil = null
    chunk.cursor = null
    for (const index of liveIndexes(chunk)) (chunk.commands[index] as ModelCommand).state = 'accepted'
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
  command.state = update.state
  command.attempts = update.state === 'succeeded' && !chunk.promoted ? null : update.attempts
  command.nextAt = now + update.delayMs
  if (isTerminal(update.state)) command.finishedAt = now
}

function finish(chunk: ModelChunk, index: number, now: number): void {
  const command = chunk.commands[index] as ModelCommand
  end(chunk, index)
  command.state = 'succeeded'
  const lost = Math.min(chunk.expiries, CRASHES_BEFORE_ISOLATION)
  command.attempts = chunk.promoted ? (command.attempts ?? 0) + lost + 1 : null
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
    for (const { id } of family) model.commands.delete(id)
    model.chunks.delete(chunk.id)
    commands += family.length
  }
  return commands
}
