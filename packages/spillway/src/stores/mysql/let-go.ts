// Letting go of blocked commands once nothing before them holds up their ordering key. Looking for such keys skips through an index, a
// bounded number of rows at a time, and takes no locks. What is found is locked, and only then is it asked again what holds up its key: a
// command that somebody else let go in between does.

import { type CommandRef, commandId } from '../../domain/index.js'
import { HOLDING_STATES } from './blockers.js'
import { addTo, placesSql } from './commands.js'
import { PARKED_BY_COMMAND, PARKED_IN_ORDER } from './indexes.js'
import { inPartition } from './partitions.js'
import { rowsOf, select } from './select.js'
import type { Session, Transaction } from './session.js'
import { behindSql } from './skip-scan.js'
import { integer, text, textList } from './sql-text.js'

/** Of a partition of a queue. */
export interface OrderingKey {
  readonly queue: string
  readonly partition_no: number
  readonly ordering_key: string
}

/** With the place of its first blocked command, and how many of them were read. */
export interface BlockedKey extends OrderingKey {
  readonly place: number
  readonly blocked: number
}

interface RowPlace {
  readonly chunk_id: string
  readonly idx: number
}

interface Waiting extends OrderingKey, RowPlace {
  readonly place: number
}

export interface BlockedKeys {
  /** Some that nothing holds up before their first command. Nothing is locked. */
  free(): Promise<readonly BlockedKey[]>
}

/** Blocked rows that one statement reads, and how often one call does so; the next one goes on behind them. */
const WINDOW_ROWS = 500
const WINDOWS_PER_LOOK = 10
/** Keys whose commands are read at once: of each there may be as many as are let go of in all. */
const KEYS_PER_READ = 20

export function newBlockedKeys(session: Session): BlockedKeys {
  let last: OrderingKey | null = null
  return {
    async free() {
      const free: BlockedKey[] = []
      for (let windows = 0; windows < WINDOWS_PER_LOOK; windows += 1) {
        const keys: readonly BlockedKey[] = await select(session, blockedKeysSql(last, WINDOW_ROWS))
        const holders = await firstHolders(session, keys)
        free.push(...keys.filter((key) => !isHeldUp(key, holders)))
        const full = keys.reduce((sum, { blocked }) => sum + blocked, 0) === WINDOW_ROWS
        last = full ? (keys.at(-1) ?? null) : null
        if (last === null) break
      }
      return free
    },
  }
}

/** Lets go of at most `limit` commands of these keys, the first of each key first. `now` is SQL. */
export async function letGo(
  transaction: Transaction,
  keys: readonly BlockedKey[],
  limit: number,
  now: string,
): Promise<void> {
  const waiting = await firstBlocked(transaction, keys, limit)
  if (waiting.length === 0) return
  const locked = await select<RowPlace>(transaction, lockBlockedSql(waiting.map(refOf)))
  const mine = new Set(locked.map(nameOfRow))
  const holders = await firstHolders(transaction, keys)
  const stopped = new Set<string>()
  const freed = waiting.filter((row) => {
    // Who was not to be had may go on being blocked, and comes before the others of its key.
    if (!mine.has(nameOfRow(row)) || isHeldUp(row, holders)) stopped.add(nameOf(row))
    return !stopped.has(nameOf(row))
  })
  if (freed.length === 0) return
  await transaction.send([
    `update ${PARKED_BY_COMMAND} set state = 'retrying', next_at = ${now} where ${placesSql(freed.map(refOf))}`,
  ])
}

/** `holders`: the first place of each key that holds up what is behind it. */
function isHeldUp(
  row: OrderingKey & { readonly place: number },
  holders: ReadonlyMap<string, number>,
): boolean {
  const holder = holders.get(nameOf(row))
  return holder !== undefined && holder < row.place
}

/** In the order of their places, by key. */
async function firstBlocked(db: Transaction, keys: readonly BlockedKey[], limit: number): Promise<Waiting[]> {
  const waiting: Waiting[] = []
  for (let read = 0; read < keys.length && waiting.length < limit; read += KEYS_PER_READ) {
    const some = keys.slice(read, read + KEYS_PER_READ)
    const found = await db.send(some.map((key) => firstBlockedSql(key, limit - waiting.length)))
    waiting.push(...found.flatMap((result) => rowsOf<Waiting>(result)))
  }
  return waiting.slice(0, limit)
}

async function firstHolders(
  db: Pick<Transaction, 'send'>,
  keys: readonly OrderingKey[],
): Promise<Map<string, number>> {
  const first = new Map<string, number>()
  if (keys.length === 0) return first
  for (const row of await select<OrderingKey & { place: number }>(db, holdersSql(keys))) {
    first.set(nameOf(row), Math.min(row.place, first.get(nameOf(row)) ?? row.place))
  }
  return first
}

/** In the order of the index, from behind `after`; what is left of the last key of a window is skipped by the next. */
export function blockedKeysSql(after: OrderingKey | null, rows: number): string {
  const columns = ['queue', 'partition_no', 'ordering_key']
  const behind = after === null ? '' : ` and (${behindSql(columns, valuesOf(after))})`
  return `
select queue, partition_no, ordering_key, min(place) as place, count(*) as blocked from (
  select queue, partition_no, ordering_key, place from ${PARKED_IN_ORDER}
  where state = 'blocked' and partition_no is not null and ordering_key > ''${behind}
  order by queue, partition_no, ordering_key, place limit ${integer(rows)}
) waiting group by queue, partition_no, ordering_key order by queue, partition_no, ordering_key`
}

function valuesOf({ queue, partition_no, ordering_key }: OrderingKey): string[] {
  return [text(queue), integer(partition_no), text(ordering_key)]
}

/** For each of the keys that is held up: by what first. */
export function holdersSql(keys: readonly OrderingKey[]): string {
  const partitions = new Map<string, string[]>()
  for (const { queue, partition_no: partition, ordering_key } of keys) {
    addTo(partitions, inPartition(queue, partition), ordering_key)
  }
  const places = Array.from(partitions, ([where, some]) => `(${where} and ordering_key in ${textList(some)})`)
  const firsts = HOLDING_STATES.map(
    (state) => `
select queue, partition_no, ordering_key, min(place) as place from ${PARKED_IN_ORDER}
where state = '${state}' and (${places.join(' or ')}) group by queue, partition_no, ordering_key`,
  )
  return firsts.join(' union all')
}

/** Not locked: the index leads to rows in another order than that in which everybody locks them. */
export function firstBlockedSql(
  { queue, partition_no: partition, ordering_key }: OrderingKey,
  limit: number,
): string {
  return `
select queue, partition_no, ordering_key, chunk_id, idx, place from ${PARKED_IN_ORDER}
where state = 'blocked' and ${inPartition(queue, partition)} and ordering_key = ${text(ordering_key)}
order by place limit ${integer(limit)}`
}

export function lockBlockedSql(refs: readonly CommandRef[]): string {
  return `
select chunk_id, idx from ${PARKED_BY_COMMAND}
where (${placesSql(refs)}) and state = 'blocked' order by chunk_id, idx for update skip locked`
}

function refOf({ chunk_id, idx }: RowPlace): CommandRef {
  return { chunkId: chunk_id, index: idx }
}

function nameOfRow({ chunk_id, idx }: RowPlace): string {
  return commandId(chunk_id, idx)
}

/** Names of queues have no spaces. */
function nameOf({ queue, partition_no, ordering_key }: OrderingKey): string {
  return `${queue} ${partition_no} ${ordering_key}`
}
