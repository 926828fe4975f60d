// Operators' verbs on stored commands and queues. Whether a verb is allowed is asked of the domain's transition table, while
// everything it depends on is locked: of a cancel and a claim, one wins.

import { type CommandRef, parseCommandId, transition } from '../../domain/index.js'
import { SpillwayError } from '../../errors/index.js'
import type { ControlVerdict, StoreControl } from '../../ports/index.js'
import type { Database, Transaction } from './database.js'
import { type HeldCommands, holdCommands } from './held-commands.js'
import type { Hints } from './hints.js'
import { configureQueue, readQueueSettings } from './queue-settings.js'
import type { StoredCommand } from './stored-commands.js'

/** Commands of one transaction. */
const COMMANDS_MAX = 500
/** Attempts to lock commands that are promoted at the same moment. */
const ATTEMPTS_MAX = 5

/** What becomes of the commands for which the verb is allowed; each is named once. */
interface Verb {
  readonly event: 'cancel' | 'redrive'
  apply(tx: Transaction, commands: readonly StoredCommand[], held: HeldCommands, hints: Hints): Promise<void>
}

const CHANGE_CHUNKS = `
update @.chunks set skip = coalesce(changed.skip, chunks.skip), live = coalesce(changed.live, chunks.live),
  open = open + changed.opened, unsuccessful = unsuccessful + changed.failed, ended_at = greatest(ended_at, $1::bigint)
from json_to_recordset($2::json) as changed (seq bigint, skip integer[], live integer, opened integer, failed integer)
where chunks.seq = changed.seq`

/** Commands that have no row get one. */
const CANCEL_ROWS = `
insert into @.parked (chunk_id, origin, accepted_at, finished_at, idx, priority, partition, attempts, state, queue, type)
select chunks.id, chunks.seq, chunks.created_at, $1::bigint, cancelled.idx, chunks.priority, chunks.partition, 0, 'cancelled',
  chunks.queue, chunks.type
from unnest($2::bigint[], $3::integer[]) as cancelled (seq, idx) join @.chunks chunks using (seq)
on conflict (chunk_id, idx) do update
  set state = 'cancelled', next_at = null, carrier = null, finished_at = excluded.finished_at`

const REDRIVE_ROWS = `
update @.parked
set state = 'retrying', next_at = $1::bigint, attempts = 0, generation = generation + 1, finished_at = null
from unnest($2::uuid[], $3::integer[]) as redriven (chunk_id, idx)
where parked.chunk_id = redriven.chunk_id and parked.idx = redriven.idx`

const FINISH = 'select @.finish_1($1::bigint, seq) as freed from unnest($2::bigint[]) as ended (seq)'

interface ChunkChange {
  readonly seq: number
  skip: readonly number[] | null
  live: number | null
  opened: number
  failed: number
}

class ChunkChanges {
  readonly bySeq = new Map<number, ChunkChange>()

  of(seq: number): ChunkChange {
    const change = this.bySeq.get(seq) ?? { seq, skip: null, live: null, opened: 0, failed: 0 }
    this.bySeq.set(seq, change)
    return change
  }

  async write(tx: Transaction, now: number): Promise<void> {
    await tx.queryAnew(CHANGE_CHUNKS, [now, JSON.stringify([...this.bySeq.values()])])
  }
}

const CANCEL: Verb = {
  event: 'cancel',
  async apply(tx, commands, held, hints) {
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

const REDRIVE: Verb = {
  event: 'redrive',
  async apply(tx, commands, held, hints) {
    const changes = new ChunkChanges()
    for (const command of commands) {
      const family = changes.of(held.originOf(command))
      family.opened += 1
      family.failed -= 1
      hints.add(command.family.record.queue, 1)
    }
    const ids = commands.map(({ family }) => family.id)
    await tx.queryAnew(REDRIVE_ROWS, [held.now, ids, commands.map(({ index }) => index)])
    await changes.write(tx, held.now)
  },
}

export function newControl(db: Database): StoreControl {
  /** Null when a command moved before it could be locked; nothing was done. */
  function attempt(verb: Verb, refs: readonly (CommandRef | null)[]): Promise<ControlVerdict[] | null> {
    return db.transaction(async (tx, hints) => {
      const known = refs.filter((ref) => ref !== null)
      const held = await holdCommands(db, tx, known, verb.event === 'cancel')
      if (held === null) return null
      const { verdicts, allowed } = judge(verb, refs, held)
      if (allowed.length > 0) await verb.apply(tx, allowed, held, hints)
      return verdicts
    })
  }

  async function some(verb: Verb, ids: readonly string[]): Promise<ControlVerdict[]> {
    const refs = ids.map(parseCommandId)
    for (let attempts = 0; attempts < ATTEMPTS_MAX; attempts += 1) {
      const verdicts = await attempt(verb, refs)
      if (verdicts !== null) return verdicts
    }
    throw new SpillwayError(
      'store_unavailable',
      `The commands moved ${ATTEMPTS_MAX} times while they were looked for. Try again.`,
    )
  }

  async function all(verb: Verb, ids: readonly string[]): Promise<ControlVerdict[]> {
    const verdicts: ControlVerdict[] = []
    for (let from = 0; from < ids.length; from += COMMANDS_MAX) {
      verdicts.push(...(await some(verb, ids.slice(from, from + COMMANDS_MAX))))
    }
    return verdicts
  }

  return {
    cancel: (ids) => all(CANCEL, ids),
    redrive: (ids) => all(REDRIVE, ids),
    configureQueue: (queue, change) =>
      db.transaction(async (tx, hints) => {
        const settings = await configureQueue(tx, queue, change)
        // There may be work for workers that found none before.
        if (!settings.paused) hints.add(queue, 0)
        return settings
      }),
    queueSettings: () => readQueueSettings(db),
  }
}

/** A command that is named twice is changed once: its second verdict is what follows the first. */
function judge(
  { event }: Verb,
  refs: readonly (CommandRef | null)[],
  held: HeldCommands,
): { verdicts: ControlVerdict[]; allowed: StoredCommand[] } {
  const allowed = new Map<string, StoredCommand>()
  const verdicts = refs.map((ref): ControlVerdict => {
    const command = ref === null ? null : held.find(ref)
    if (ref === null || command === null) return 'not_found'
    const id = `${ref.chunkId}-${ref.index}`
    if (allowed.has(id) || transition(command.state, event) === null) return 'conflict'
    if (event === 'redrive' && command.row === null) return 'conflict'
    allowed.set(id, command)
    return 'ok'
  })
  return { verdicts, allowed: [...allowed.values()] }
}
