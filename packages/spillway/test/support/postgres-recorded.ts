// A store whose statements are recorded, and what the database makes of them: for tests of plans.

import pg from 'pg'
import { onTestFinished } from 'vitest'
import { type PostgresStore, postgres } from '../../src/stores/postgres/index.js'
import type { PostgresRig } from './postgres-rig.js'

export interface Sent {
  readonly text: string
  readonly values: readonly unknown[]
  readonly name?: string
}

export interface Recorded {
  readonly store: PostgresStore
  /** What was sent so far, but for what only begins and ends transactions. */
  sent(): Sent[]
}

export async function recorded(rig: PostgresRig): Promise<Recorded> {
  const sent: Sent[] = []
  const pool = new pg.Pool({ connectionString: rig.url })
  pool.on('error', () => {})
  pool.on('connect', (client) => {
    const query = client.query.bind(client) as (...args: unknown[]) => unknown
    Object.assign(client, {
      query(...args: unknown[]) {
        const [config] = args
        if (isStatement(config)) sent.push({ values: [], ...config })
        return query(...args)
      },
    })
  })
  const store = postgres({ pool, schema: rig.schema, clock: rig.clock, listen: false })
  await store.open()
  onTestFinished(async () => {
    await store.close()
    await pool.end()
  })
  return {
    store,
    sent: () => sent.filter(({ text }) => /^\s*(select|with|insert|update|delete)/.test(text)),
  }
}

function isStatement(config: unknown): config is Pick<Sent, 'text'> & Partial<Sent> {
  return typeof config === 'object' && config !== null && 'text' in config && typeof config.text === 'string'
}
