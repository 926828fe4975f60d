// Reading single commands. What is asked together is read together, some hundred commands at a time.

import { type CommandRef, commandId, decodeBody, PAGE_ROWS_MAX, parseCommandId } from '../../domain/index.js'
import type { CommandView } from '../../ports/index.js'
import {
  addTo,
  type Family,
  familiesById,
  familiesSql,
  idOf,
  memberOf,
  placesSql,
  type RowRecord,
  readResults,
  rowsById,
  rowsSql,
  type StoredCommand,
} from './commands.js'
import type { Connection } from './connection.js'
import type { RunResult } from './enlist/index.js'
import { PARKED_BY_COMMAND } from './indexes.js'
import { rowsOf, select } from './select.js'
import { integerList } from './sql-text.js'
import { commandView } from './view.js'

/** Bodies read at once: each may be as large as a chunk may be. */
const BODIES_PER_READ = 4

/** One per id, null when the store has no such command. In a snapshot. */
export async function readCommands(
  db: Connection,
  ids: readonly string[],
  payload: boolean,
): Promise<(CommandView | null)[]> {
  const views: (CommandView | null)[] = []
  for (let first = 0; first < ids.length; first += PAGE_ROWS_MAX) {
    views.push(...(await readSome(db, ids.slice(first, first + PAGE_ROWS_MAX), payload)))
  }
  return views
}

async function readSome(
  db: Connection,
  ids: readonly string[],
  payload: boolean,
): Promise<(CommandView | null)[]> {
  const commands = await findCommands(db, ids)
  const found = commands.filter((command) => command !== null)
  const results = await readResults(db, found)
  const payloads = payload ? await readPayloads(db, found) : null
  return commands.map((command) => {
    if (command === null) return null
    const id = idOf(command)
    const view = commandView(command, results.get(id) ?? null)
    return payloads === null ? view : { ...view, payload: payloads.get(id) as string }
  })
}

/** One per id: the command, or the one that it repeats. */
async function findCommands(db: Connection, ids: readonly string[]): Promise<(StoredCommand | null)[]> {
  const found = await findPlaces(db, ids.map(parseCommandId))
  const firsts = found.map((place) => parseCommandId(place?.repeated ?? ''))
  if (firsts.every((first) => first === null)) return found.map((place) => place?.command ?? null)
  const repeated = await findPlaces(db, firsts)
  return found.map((place, at) => (firsts[at] === null ? place : repeated[at])?.command ?? null)
}

/** What is at a place: a command, or a repeat of one, or neither. */
interface Found {
  readonly command: StoredCommand | null
  readonly repeated: string | null
}

/** One per reference, null where there is no such chunk. */
async function findPlaces(db: Connection, refs: readonly (CommandRef | null)[]): Promise<(Found | null)[]> {
  const known = refs.filter((ref) => ref !== null)
  if (known.length === 0) return refs.map(() => null)
  const chunkIds = new Set(known.map(({ chunkId }) => chunkId))
  const [families, rows] = (await db.send([familiesSql(chunkIds), rowsSql(known)])) as [RunResult, RunResult]
  const familyById = familiesById(rowsOf(families))
  const rowById = rowsById(rowsOf<RowRecord>(rows))
  return refs.map((ref) => {
    const chunk = ref === null ? undefined : familyById.get(ref.chunkId)
    if (ref === null || chunk === undefined) return null
    return {
      command: memberOf(chunk, ref.index, rowById),
      repeated: chunk.absentees.get(ref.index) ?? null,
    }
  })
}

/** By command id. A body is decoded here: the database would write numbers and objects its own way. */
async function readPayloads(
  db: Connection,
  commands: readonly StoredCommand[],
): Promise<Map<string, string>> {
  const byChunk = new Map<Family, StoredCommand[]>()
  for (const command of commands) addTo(byChunk, command.chunk, command)
  const chunks = [...byChunk.keys()]
  const edited = await readEdited(db, commands)
  const payloads = new Map<string, string>()
  for (let first = 0; first < chunks.length; first += BODIES_PER_READ) {
    const some = chunks.slice(first, first + BODIES_PER_READ)
    const bodies = await readBodies(db, some)
    for (const chunk of some) {
      const decoded = decodeBody(bodies.get(chunk.seq) ?? '', chunk.size)
      for (const command of byChunk.get(chunk) ?? []) {
        payloads.set(idOf(command), edited.get(idOf(command)) ?? JSON.stringify(decoded[command.index]))
      }
    }
  }
  return payloads
}

/** By command id: payloads that took the place of what was submitted. */
async function readEdited(db: Connection, commands: readonly StoredCommand[]): Promise<Map<string, string>> {
  const refs = commands.flatMap(({ chunk, index, row }) =>
    row === null ? [] : [{ chunkId: chunk.id, index }],
  )
  if (refs.length === 0) return new Map()
  const rows = await select<{ chunk_id: string; idx: number; payload: string }>(
    db,
    `select chunk_id, idx, payload from ${PARKED_BY_COMMAND} where (${placesSql(refs)}) and payload is not null`,
  )
  return new Map(rows.map(({ chunk_id, idx, payload }) => [commandId(chunk_id, idx), payload]))
}

async function readBodies(db: Connection, chunks: readonly Family[]): Promise<Map<number, string>> {
  const seqs = integerList(chunks.map(({ seq }) => seq))
  const rows = await select<{ seq: number; body: string }>(
    db,
    `select seq, body from spillway_chunks where seq in ${seqs}`,
  )
  return new Map(rows.map(({ seq, body }) => [seq, body]))
}
