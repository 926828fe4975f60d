// The way of a call to the database: its turn before the connection, its transaction, its hints after the commit, and its
// error in Spillway's words.

import type { Clock, SchemaState, WakeSignal } from '../../ports/index.js'
import type { SqliteClient } from './client.js'
import type { Connection, Synchronous } from './connection.js'
import { closedError, storeError } from './errors.js'
import { Hints, newWake } from './hints.js'
import { type Line, newLine } from './line.js'
import { assertCurrent, migrateSchema, readSchema } from './schema.js'
import { openSession, type Session } from './session.js'
import { machineWait } from './wait.js'

export interface AccessOptions {
  readonly path: string
  readonly synchronous: Synchronous
  readonly busyTimeoutMs: number
  readonly clock: Clock | null
  readonly loadClient: () => Promise<SqliteClient>
}

/** A connection with its statements, inside a call. */
type Durable = Session['durable']
type Working = Session['working']
type Reading = Session['reading']

/** Work inside a write transaction; `now` is the store's time at its start. */
type Write<Part, T> = (part: Part, now: number, hints: Hints) => T

export interface Access {
  readonly wake: WakeSignal
  open(): Promise<void>
  close(): Promise<void>
  schemaState(): Promise<SchemaState>
  migrate(): Promise<SchemaState>
  /** A write that was promised to somebody. */
  commit<T>(work: Write<Durable, T>): Promise<T>
  /** A write that a power cut may undo. */
  work<T>(work: Write<Working, T>): Promise<T>
  /** The same, but the write lock is taken only if `hasWork` says so; else the answer is `idle`. */
  workIfAny<T>(
    hasWork: (working: Working, now: number) => boolean,
    work: Write<Working, T>,
    idle: T,
  ): Promise<T>
  snapshot<T>(work: (reading: Reading) => T): Promise<T>
}

export function newAccess(options: AccessOptions): Access {
  const { path, busyTimeoutMs, clock, loadClient } = options
  const newLineHere = (): Line => newLine({ wait: clock ?? machineWait, busyTimeoutMs, path })
  const lines = {
    durable: newLineHere(),
    working: newLineHere(),
    reading: newLineHere(),
    schema: newLineHere(),
  }
  const wake = newWake()
  let session: Session | null = null

  async function inLine<T>(line: Line, step: () => T): Promise<T> {
    try {
      return await line.run(step)
    } catch (error) {
      throw storeError(error, path)
    }
  }

  function part<Name extends 'durable' | 'working' | 'reading'>(name: Name): Session[Name] {
    if (session === null) throw closedError(path)
    return session[name]
  }

  function write<Part extends Connection, T>(on: Part, work: Write<Part, T>): T {
    const hints = new Hints()
    const value = on.write(() => work(on, on.now(), hints))
    wake.give(hints)
    return value
  }

  async function onFile<T>(step: (client: SqliteClient) => T): Promise<T> {
    const client = await loadClient()
    return inLine(lines.schema, () => step(client))
  }

  return {
    wake,
    open: () =>
      onFile((client) => {
        assertCurrent(readSchema(client, path), path)
        session ??= openSession(client, options)
      }),
    close: async () => {
      const closing = session
      session = null
      closing?.close()
    },
    schemaState: () => onFile((client) => readSchema(client, path)),
    migrate: () => onFile((client) => migrateSchema(client, { ...options, readOnly: false })),
    commit: (work) => inLine(lines.durable, () => write(part('durable'), work)),
    work: (work) => inLine(lines.working, () => write(part('working'), work)),
    workIfAny: (hasWork, work, idle) =>
      inLine(lines.working, () => {
        const working = part('working')
        const any = working.read(() => hasWork(working, working.now()))
        return any ? write(working, work) : idle
      }),
    snapshot: (work) =>
      inLine(lines.reading, () => {
        const reading = part('reading')
        return reading.read(() => work(reading))
      }),
  }
}
