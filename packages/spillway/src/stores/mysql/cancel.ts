// Cancelling commands that wait: in a chunk, from which they are taken out, or in a row of their own. Locks are taken in the order
// in which a settlement takes them (the chunk that runs, rows, the chunks they came from, partitions), and a claim passes over
// what is locked: of a cancel and a claim exactly one has the command.

import { type CommandRef, transition } from '../../domain/index.js'
import type { ControlVerdict } from '../../ports/index.js'
import { asked, type LockedRow, lockRowsSql } from './asked-commands.js'
import { finishChunks } from './chunks.js'
import {
  addTo,
  type Family,
  familiesById,
  familiesSql,
  idOf,
  memberOf,
  placesSql,
  rowsById,
  type StoredCommand,
} from './commands.js'
import type { RunResult } from './enlist/index.js'
import { FamilyChanges } from './families.js'
import {
  type Carrier,
  type CarrierRow,
  carrierOf,
  type Holder,
  holderOf,
  isEmpty,
  lockCarriersSql,
  takeOutSql,
} from './holders.js'
import { PARKED_BY_COMMAND } from './indexes.js'
import { BLANK, type ParkedRow, writeRows } from './parked.js'
import { placeNumber } from './place.js'
import { rowsOf, select } from './select.js'
import type { Transaction } from './session.js'
import { integer } from './sql-text.js'
import type { Verb } from './verbs.js'
import type { Hints } from './wake.js'

type Command = StoredCommand<LockedRow>

/** What there is of the commands, all of it locked. */
interface Locked {
  readonly now: number
  readonly families: ReadonlyMap<string, Family>
  readonly rows: ReadonlyMap<string, LockedRow>
  /** By seq. */
  readonly carriers: ReadonlyMap<number, Carrier>
}

export const cancel: Verb<string, ControlVerdict> = async (transaction, ids, now, hints) => {
  const { refs, chunkIds } = asked(ids)
  if (chunkIds.size === 0) return { verdicts: ids.map(() => 'not_found'), statements: [] }
  const known = refs.filter((ref) => ref !== null)
  const locked = await lock(transaction, known, chunkIds, now)
  const cancellation = new Cancellation(locked)
  const verdicts = refs.map((ref) => (ref === null ? 'not_found' : cancellation.cancel(ref)))
  return { verdicts, statements: cancellation.statements(hints) }
}

async function lock(
  transaction: Transaction,
  refs: readonly CommandRef[],
  chunkIds: ReadonlySet<string>,
  now: string,
): Promise<Locked> {
  // Without locks: which chunks the rows are riding in, so that these can be locked first.
  const early = await lockReadyCarriers(transaction, refs)
  const [clock, , found, locked] = (await transaction.send([
    `select ${now} as now`,
    lockRowsSql(refs),
    `${familiesSql(chunkIds)} order by id for update`,
    // Once more, for rows that appeared before their chunk was locked.
    lockRowsSql(refs),
  ])) as [RunResult, RunResult, RunResult, RunResult]
  const rows = rowsOf<LockedRow>(locked)
  const late = rows.filter(({ carrier }) => carrier !== null && !early.has(carrier))
  const carriers = new Map([...early, ...(await lockReadyCarriers(transaction, late.map(refOf)))])
  return {
    now: Number(clock.rows[0]?.now),
    families: familiesById(rowsOf(found)),
    rows: rowsById(rows.map((row) => ({ ...row, carrier_state: carrierState(row, carriers) }))),
    carriers,
  }
}

/**
 * By seq. Chunks that are leased are not waited for: who settles them may be waiting for one of the rows that are locked here,
 * and what is running is not cancelled.
 */
async function lockReadyCarriers(
  transaction: Transaction,
  refs: readonly CommandRef[],
): Promise<Map<number, Carrier>> {
  if (refs.length === 0) return new Map()
  const ready = await select<{ seq: number }>(transaction, readyCarriersSql(refs))
  if (ready.length === 0) return new Map()
  const locked = await select<CarrierRow>(transaction, lockCarriersSql(ready.map(({ seq }) => seq)))
  return new Map(locked.map((carrier) => [carrier.seq, carrierOf(carrier)]))
}

function readyCarriersSql(refs: readonly CommandRef[]): string {
  return `
select distinct carriers.seq from spillway_parked parked
join spillway_chunks carriers on carriers.seq = parked.carrier and carriers.state = 'ready'
where ${placesSql(refs)}`
}

function carrierState(
  { carrier }: LockedRow,
  carriers: ReadonlyMap<number, Carrier>,
): LockedRow['carrier_state'] {
  if (carrier === null) return null
  return carriers.get(carrier)?.state ?? 'leased'
}

function refOf({ chunk_id, idx }: LockedRow): CommandRef {
  return { chunkId: chunk_id, index: idx }
}

/** Decides on one command after another, and gathers what is to be written. */
class Cancellation {
  readonly #locked: Locked
  readonly #cancelled = new Set<string>()
  readonly #moved: CommandRef[] = []
  readonly #added = new Map<Family, ParkedRow[]>()
  /** Chunks that commands were taken out of, by seq. */
  readonly #holders = new Map<number, Holder>()
  readonly #families = new FamilyChanges()

  constructor(locked: Locked) {
    this.#locked = locked
  }

  cancel(ref: CommandRef): ControlVerdict {
    const family = this.#locked.families.get(ref.chunkId)
    const command = family === undefined ? null : memberOf(family, ref.index, this.#locked.rows)
    if (command === null) return 'not_found'
    const id = idOf(command)
    if (this.#cancelled.has(id) || transition(command.state, 'cancel') === null) return 'conflict'
    this.#cancelled.add(id)
    this.#takeOut(command, id)
    if (command.row === null) this.#add(command)
    else this.#moved.push(ref)
    this.#families.moved(command.chunk.id, command.row?.state ?? null, 'cancelled')
    return 'ok'
  }

  statements(hints: Hints): string[] {
    const now = integer(this.#locked.now)
    const emptied = [...this.#holders.values()].filter(isEmpty)
    for (const { queue, partition } of emptied) if (partition !== null) hints.add(queue, 0)
    return [
      ...Array.from(this.#holders.values(), takeOutSql),
      ...(this.#moved.length === 0 ? [] : [cancelRowsSql(this.#moved, now)]),
      ...Array.from(this.#added, ([{ queue, type, priority, partition_no: partition }, rows]) =>
        writeRows({ queue, type, priority, partition, carrier: null }, rows),
      ).flat(),
      ...this.#families.statements(now),
      ...finishChunks(emptied, now),
    ]
  }

  /** Out of the chunk that it waits in, if it waits in one. */
  #takeOut({ chunk, index, row }: Command, id: string): void {
    if (row === null) {
      const holder = this.#holders.get(chunk.seq) ?? holderOf(chunk)
      this.#holders.set(chunk.seq, holder)
      holder.skip.add(index)
    } else if (row.carrier !== null) {
      const carrier = this.#locked.carriers.get(row.carrier) as Carrier
      this.#holders.set(carrier.seq, carrier)
      carrier.skip.add(carrier.memberIds.indexOf(id))
    }
  }

  #add({ chunk, index }: Command): void {
    const { now } = this.#locked
    addTo(this.#added, chunk, {
      ...BLANK,
      ...{ chunkId: chunk.id, index, place: integer(placeNumber(chunk.seq, index)) },
      ...{ state: 'cancelled', attempts: 0, nextAt: null, error: null },
      ...{ acceptedAt: chunk.created_at, finishedAt: now },
    })
  }
}

function cancelRowsSql(refs: readonly CommandRef[], now: string): string {
  return `
update ${PARKED_BY_COMMAND} set state = 'cancelled', next_at = null, carrier = null, finished_at = ${now}
where ${placesSql(refs)}`
}
