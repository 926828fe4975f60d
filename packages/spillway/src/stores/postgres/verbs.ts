// What operators do to commands. Whether a verb is allowed is asked of the domain's transition table, while everything it depends
// on is locked: of a cancel and a claim, one wins.

import { type CommandEvent, redriveEvent, type Stage, transition } from '../../domain/index.js'
import { ChunkChanges } from './chunk-changes.js'
import type { Transaction } from './database.js'
import type { HeldCommands } from './held-commands.js'
import type { Hints } from './hints.js'
import type { StoredCommand } from './stored-commands.js'

/** A command for which the verb is allowed. */
export interface Target {
  readonly command: StoredCommand
  /** What takes the place of its payload, if anything. */
  readonly payload: string | null
}

export interface VerbScope {
  readonly tx: Transaction
  readonly hints: Hints
  readonly held: HeldCommands
}

export interface Verb {
  /** What it is to the command. */
  eventOn(command: StoredCommand): CommandEvent
  /** Whether it can end a chunk. */
  readonly mayEnd: boolean
  /** Whether only commands with a row of their own can be meant. */
  readonly needsRow: boolean
  /** Each command is named once. */
  apply(scope: VerbScope, targets: readonly Target[]): Promise<void>
}

/** Commands that have no row get one. */
const CANCEL_ROWS = `
insert into @.parked (chunk_id, origin, accepted_at, finished_at, idx, priority, partition, attempts, state, queue, type)
select chunks.id, chunks.seq, chunks.created_at, $1::bigint, cancelled.idx, chunks.priority, chunks.partition, 0, 'cancelled',
  chunks.queue, chunks.type
from unnest($2::bigint[], $3::integer[]) as cancelled (seq, idx) join @.chunks chunks using (seq)
on conflict (chunk_id, idx) do update
  set state = 'cancelled', next_at = null, due_at = null, carrier = null, finished_at = excluded.finished_at`

const REDRIVE_ROWS = `
update @.parked
set state = redriven.state, stage = redriven.stage, due_at = $1::bigint, next_at = null, attempts = 0,
  generation = generation + 1, finished_at = null, payload = coalesce(redriven.payload, parked.payload)
from unnest($2::uuid[], $3::integer[], $4::text[], $5::text[], $6::text[])
  as redriven (chunk_id, idx, state, stage, payload)
where parked.chunk_id = redriven.chunk_id and parked.idx = redriven.idx`

const DISCARD_ROWS = `
update @.parked set state = 'cancelled', generation = generation + 1, finished_at = $1::bigint
from unnest($2::uuid[], $3::integer[]) as discarded (chunk_id, idx)
where parked.chunk_id = discarded.chunk_id and parked.idx = discarded.idx`

const FINISH = 'select @.finish_1($1::bigint, seq) as freed from unnest($2::bigint[]) as ended (seq)'

export const CANCEL: Verb = {
  eventOn: () => 'cancel',
  mayEnd: true,
  needsRow: false,
  async apply({ tx, hints, held }, targets) {
    const commands = targets.map(({ command }) => command)
    const changes = new ChunkChanges()
    const emptied = new Set<number>()
    for (const command of commands) {
      const family = changes.of(held.originOf(command))
      family.opened -= command.row === null ? 0 : 1
      family.failed += 1
      const seat = held.seatOf(command)
      if (seat === null) continue
      seat.over.add(seat.index)
      // A claim that came meanwhile passed over the chunk.
      hints.add(command.family.record.queue, 0)
      const chunk = changes.of(seat.seq)
      chunk.skip = [...seat.over].sort((a, b) => a - b)
      chunk.live = seat.size - seat.over.size
      if (chunk.live === 0) emptied.add(seat.seq)
    }
    await tx.queryAnew(CANCEL_ROWS, [
      held.now,
      commands.map(held.originOf),
      commands.map(({ index }) => index),
    ])
    await changes.write(tx, held.now)
    if (emptied.size === 0) return
    const ended = await tx.query<{ readonly freed: string | null }>(FINISH, [held.now, [...emptied]])
    for (const { freed } of ended) if (freed !== null) hints.add(freed, 0)
  },
}

/** What a redriven command's next turn does; null = execute. */
const STAGE_AFTER: Readonly<Record<ReturnType<typeof redriveEvent>, Stage | null>> = {
  redrive: null,
  redriveDoubt: 'reconcile',
  redriveUndo: 'compensate',
}

export const REDRIVE: Verb = {
  eventOn: redriving,
  mayEnd: false,
  needsRow: true,
  async apply({ tx, hints, held }, targets) {
    const changes = new ChunkChanges()
    for (const { command } of targets) {
      const family = changes.of(held.originOf(command))
      family.opened += 1
      family.failed -= 1
      hints.add(command.family.record.queue, 1)
    }
    await tx.queryAnew(REDRIVE_ROWS, [
      held.now,
      targets.map(({ command }) => command.family.id),
      targets.map(({ command }) => command.index),
      targets.map(({ command }) => transition(command.state, redriving(command))),
      targets.map(({ command }) => STAGE_AFTER[redriving(command)]),
      targets.map(({ payload }) => payload),
    ])
    await changes.write(tx, held.now)
  },
}

function redriving({ state, row }: StoredCommand): ReturnType<typeof redriveEvent> {
  return redriveEvent(state, row?.stage ?? 'execute')
}

export const DISCARD: Verb = {
  eventOn: () => 'discard',
  mayEnd: false,
  needsRow: true,
  async apply({ tx, held }, targets) {
    const changes = new ChunkChanges()
    for (const { command } of targets) changes.of(held.originOf(command))
    await tx.queryAnew(DISCARD_ROWS, [
      held.now,
      targets.map(({ command }) => command.family.id),
      targets.map(({ command }) => command.index),
    ])
    await changes.write(tx, held.now)
  },
}
