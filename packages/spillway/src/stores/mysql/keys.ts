// Idempotency keys: the first command under a (type, key) is what repeats are answered with, until the key expires. All keys of a
// call are written by one statement, in the order of the keys, so that two calls with the same keys do not wait for each other
// in a circle.

import { type AppendVerdict, type ChunkDraft, commandId, type KeyDraft } from '../../domain/index.js'
import type { Connection } from './connection.js'
import { agingTable, currentTable, type RingState } from './key-tables.js'
import { keyText } from './key-text.js'
import { idBytes, integer, multiRow, text, textList } from './sql-text.js'
import { mustHold } from './stops.js'

export const ACCEPTED: AppendVerdict = Object.freeze({ status: 'accepted' })

/** A key of one command of a draft. */
interface KeyRow {
  readonly scope: string
  readonly key: string
  readonly chunkId: string
  readonly index: number
  readonly fingerprint: string
  readonly windowMs: number
  /** A gap of a parked draft is not stored: it only looks its key up. */
  readonly gap: boolean
}

interface Owner {
  readonly chunkId: string
  readonly index: number
  readonly fingerprint: string
}

type Owners = ReadonlyMap<string, Owner>

/** Keys that one statement looks up: beyond about a thousand the planner stops to use the index for each. */
const LOOKUP_KEYS_MAX = 500

/** Sorted; of equal ones the first to come is the first. */
export function keyRowsOf(drafts: readonly ChunkDraft[]): KeyRow[] {
  const rows = drafts.flatMap((draft) =>
    (draft.keys ?? []).flatMap((key, index) => (key === null ? [] : rowOf(draft, key, index))),
  )
  return rows.sort((a, b) => compare(a.scope, b.scope) || compare(a.key, b.key))
}

function rowOf({ id, type, parked }: ChunkDraft, key: KeyDraft, index: number): KeyRow {
  return {
    scope: type,
    key: keyText(key.key),
    chunkId: id,
    index,
    fingerprint: key.fingerprint,
    windowMs: Math.trunc(key.windowMs),
    gap: parked !== null && parked[index] === null,
  }
}

/** The longest window of keys that are to be stored; 0 when there are none. */
export function windowOf(rows: readonly KeyRow[]): number {
  return rows.reduce((longest, { gap, windowMs }) => (gap ? longest : Math.max(longest, windowMs)), 0)
}

function insertHead(ring: RingState): string {
  return `insert into ${currentTable(ring)} (scope, idempotency_key, chunk_id, idx, fingerprint, expires_at) values`
}

/**
 * Stores keys that must all be new; a known one is a duplicate entry. `now` is SQL. What many rows have in common is computed once, in
 * variables: that is a third of the work. `ifKnown` is what the statement does about a known one instead.
 */
export function insertNewKeys(rows: readonly KeyRow[], ring: RingState, now: string, ifKnown = ''): string[] {
  const common = new Map<string, string>()
  const variable = (value: string): string => {
    const name = common.get(value) ?? `@spillway_${common.size}`
    common.set(value, name)
    return name
  }
  const values = rows.map((row) =>
    rowText(row, variable(idBytes(row.chunkId)), variable(`${now} + ${integer(row.windowMs)}`)),
  )
  const settings = Array.from(common, ([value, name]) => `${name} = ${value}`)
  return [...multiRow('set', settings), ...multiRow(insertHead(ring), values, ifKnown)]
}

/** Of an insert of keys: a row for which `expired` holds becomes that of the new key. Assignments are made from left to right. */
function takeOver(expired: string): string {
  const assignments = ['chunk_id', 'idx', 'fingerprint', 'expires_at'].map(
    (column) => `${column} = if(${expired}, values(${column}), ${column})`,
  )
  return `on duplicate key update ${assignments.join(', ')}`
}

/** Of an insert of keys: expired ones are taken over, and one that is still valid is out of range. `now` is SQL. */
export function takeOverExpired(now: string): string {
  return takeOver(mustHold(`expires_at <= ${now}`))
}

/** `from ... where ...` with a row if one of the keys is in the other table. One per bound of a lookup. */
export function agingKeys(rows: readonly KeyRow[], ring: RingState, now: string): string[] {
  if (ring.agingUntil === 0) return []
  return lookups(rows).map(
    (where) => `from ${agingTable(ring)} force index (primary) where ${where} and expires_at > ${now}`,
  )
}

/**
 * Stores the keys that are free, in the transaction that holds the ring, and says to whom each belongs now. `now` is the
 * store's time.
 */
export async function claimKeys(
  connection: Connection,
  rows: readonly KeyRow[],
  ring: RingState,
  now: number,
): Promise<Owners> {
  const owners = new Map<string, Owner>()
  await findOwners(connection, agingTable(ring), ring.agingUntil === 0 ? [] : rows, now, owners)
  const free = rows.filter((row) => !row.gap && !owners.has(nameOf(row.scope, row.key)))
  // Keys that are still valid stay as they are.
  const tail = takeOver(`expires_at <= ${integer(now)}`)
  const values = free.map((row) => valuesOf(row, integer(now)))
  await connection.send(multiRow(insertHead(ring), values, tail))
  const unknown = rows.filter((row) => !owners.has(nameOf(row.scope, row.key)))
  await findOwners(connection, currentTable(ring), unknown, now, owners)
  return owners
}

async function findOwners(
  connection: Connection,
  table: string,
  rows: readonly KeyRow[],
  now: number,
  owners: Map<string, Owner>,
): Promise<void> {
  const results = await connection.send(lookups(rows).map((where) => lookupSql(table, where, now)))
  for (const { rows: found } of results) {
    for (const row of found) {
      owners.set(nameOf(textOf(row.scope_hex), textOf(row.key_hex)), {
        chunkId: String(row.chunk_hex).toLowerCase(),
        index: Number(row.idx),
        fingerprint: textOf(row.fingerprint_hex),
      })
    }
  }
}

/** Every library reads hex digits alike. */
function textOf(hex: unknown): string {
  return Buffer.from(String(hex), 'hex').toString()
}

/** A locking read: the caller's own transaction may look at an older snapshot otherwise. */
export function lookupSql(table: string, where: string, now: number): string {
  return `
select hex(scope) as scope_hex, hex(idempotency_key) as key_hex, hex(chunk_id) as chunk_hex, idx,
  hex(fingerprint) as fingerprint_hex
from ${table} force index (primary) where ${where} and expires_at > ${integer(now)} lock in share mode`
}

/** What was decided about each command of the draft; null when all were accepted. */
export function verdictsOf(draft: ChunkDraft, owners: Owners): readonly AppendVerdict[] | null {
  let verdicts: AppendVerdict[] | null = null
  for (const [index, key] of (draft.keys ?? []).entries()) {
    const owner = key === null ? undefined : owners.get(nameOf(draft.type, keyText(key.key)))
    if (owner === undefined || isOwn(owner, draft, index)) continue
    verdicts ??= new Array<AppendVerdict>(draft.size).fill(ACCEPTED)
    const status = owner.fingerprint === key?.fingerprint ? 'duplicate' : 'conflict'
    verdicts[index] = { status, id: commandId(owner.chunkId, owner.index) }
  }
  return verdicts
}

function isOwn({ chunkId, index }: Owner, { id }: ChunkDraft, place: number): boolean {
  return chunkId === id && index >= place
}

function valuesOf(row: KeyRow, now: string): string {
  return rowText(row, idBytes(row.chunkId), `${now} + ${integer(row.windowMs)}`)
}

function rowText({ scope, key, index, fingerprint }: KeyRow, chunkId: string, expiresAt: string): string {
  return `(${text(scope)}, ${text(key)}, ${chunkId}, ${index}, ${text(fingerprint)}, ${expiresAt})`
}

function lookups(rows: readonly KeyRow[]): string[] {
  const conditions: string[] = []
  for (const [scope, keys] of keysByScope(rows)) {
    for (let first = 0; first < keys.length; first += LOOKUP_KEYS_MAX) {
      const some = keys.slice(first, first + LOOKUP_KEYS_MAX)
      conditions.push(`scope = ${text(scope)} and idempotency_key in ${textList(some)}`)
    }
  }
  return conditions
}

function keysByScope(rows: readonly KeyRow[]): Map<string, string[]> {
  const found = new Map<string, string[]>()
  for (const { scope, key } of rows) {
    const keys = found.get(scope)
    if (keys === undefined) found.set(scope, [key])
    else keys.push(key)
  }
  return found
}

/** Names of types have no spaces. */
function nameOf(scope: string, key: string): string {
  return `${scope} ${key}`
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
