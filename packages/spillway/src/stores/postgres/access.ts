// What an open store consists of, put together: connections, statements, the way calls reach the database and hints reach workers.

import { SpillwayError } from '../../errors/index.js'
import type { Random } from '../../ports/index.js'
import { type Connections, newConnections } from './connections.js'
import { type Database, newDatabase } from './database.js'
import { quotedName } from './identifiers.js'
import { type Listener, newListener } from './listener.js'
import type { Pause } from './machine.js'
import type { PostgresSettings } from './options.js'
import { newSchema, type Schema } from './schema.js'
import { newStatements, type Statements } from './statements.js'
import { newWake, type Wake } from './wake.js'

/** What a store takes from the machine; tests give their own. */
export interface PostgresParts {
  readonly pause: Pause
  readonly random: Random
}

export interface Access {
  readonly connections: Connections
  readonly statements: Statements
  readonly database: Database
  readonly schema: Schema
  readonly wake: Wake
  /** Of the notifications. */
  readonly channel: string
  open(): Promise<void>
  close(): Promise<void>
  /** Runs the call if the store is open. */
  call<T>(run: () => Promise<T>): Promise<T>
}

const NOTIFY = 'select pg_notify($1::text, payload) from unnest($2::text[]) as payloads (payload)'

export function newAccess(settings: PostgresSettings, { pause, random }: PostgresParts): Access {
  const { clock, queryTimeoutMs, prepare } = settings
  const channel = settings.schema
  const connections = newConnections(settings)
  const statements = newStatements(quotedName(settings.schema), { prepare, queryTimeoutMs })
  const wake = newWake({
    pause,
    notify: (payloads, sending) =>
      connections.lend('calls', async (client) => {
        if ('processID' in client && typeof client.processID === 'number') sending(client.processID)
        await statements.run(client, NOTIFY, [channel, payloads])
      }),
  })
  const database = newDatabase({
    ...{ connections, statements, pause, random },
    now: () => (clock === null ? null : Math.trunc(clock.now())),
    give: (hints) => wake.give(hints),
  })
  const untimed = newStatements(statements.schema, { prepare: false, queryTimeoutMs: 0 })
  const schema = newSchema({ connections, statements: untimed, schema: settings.schema })
  const listener = listenerOf(settings, { connections, channel, wake, pause, random })
  let isOpen = false

  return {
    ...{ connections, statements, database, schema, wake, channel },
    async open() {
      await schema.assertUsable()
      wake.start()
      await listener?.start()
      isOpen = true
    },
    async close() {
      isOpen = false
      wake.stop()
      await listener?.stop()
      await connections.close()
    },
    call: async (run) => {
      if (!isOpen) throw closedError(connections.where)
      return run()
    },
  }
}

function listenerOf(
  { listen, queryTimeoutMs }: PostgresSettings,
  parts: Pick<Access, 'connections' | 'channel' | 'wake'> & PostgresParts,
): Listener | null {
  if (!listen) return null
  const { wake, ...rest } = parts
  return newListener({ ...rest, timeoutMs: queryTimeoutMs, hear: wake.hear, missed: wake.missed })
}

function closedError(where: string): SpillwayError {
  return new SpillwayError('closed', `The store at ${where} is not open: call open() first.`, {
    details: { where },
  })
}
