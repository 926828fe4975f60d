// Migrating: explicit, repeatable, possible by hand, and no obstacle to running two releases side by side.

import { requireServer } from 'spillway-test-bed'
import { describe, expect, it } from 'vitest'
import { complete, disposing, postgresRigs } from '../../../test/support/postgres-rig.js'
import { sessionOn } from '../../../test/support/postgres-session.js'
import { commandId } from '../../domain/index.js'

requireServer(describe, 'postgres')('the schema', () => {
  const newRig = disposing(postgresRigs())

  it('is the same whether it was migrated or its SQL was run by hand', async () => {
    const rig = await newRig({ state: 'nothing' })
    const { pending, target } = await rig.store.schema.state()
    const session = await sessionOn(rig)
    for (const { sql } of pending) await session.query(sql)
    expect(await rig.store.schema.state()).toEqual({ current: target, target, pending: [] })
    expect(await rig.store.schema.migrate()).toEqual({ current: target, target, pending: [] })
    await rig.store.open()
    await rig.store.append([rig.draft()])
  })

  it('works with a schema of a newer release that took nothing away', async () => {
    const rig = await newRig({ state: 'migrated' })
    const { target } = await rig.store.schema.state()
    await rig.rows(
      `insert into @.migrations (version, name, oldest, applied_at) values ($1, 'later', $2, 0)`,
      [target + 1, target],
    )
    expect(await rig.store.schema.state()).toEqual({ current: target + 1, target, pending: [] })
    expect(await rig.store.schema.migrate()).toEqual({ current: target + 1, target, pending: [] })
    await rig.store.open()
    await rig.store.append([rig.draft()])
  })

  it('refuses a schema of a newer release that took something away', async () => {
    const rig = await newRig({ state: 'migrated' })
    const { target } = await rig.store.schema.state()
    await rig.rows(
      `insert into @.migrations (version, name, oldest, applied_at) values ($1, 'later', $1, 0)`,
      [target + 1],
    )
    const refused = { code: 'store_incompatible', details: { current: target + 1, target } }
    await expect(rig.store.open()).rejects.toMatchObject(refused)
    await expect(rig.store.schema.migrate()).rejects.toMatchObject(refused)
  })

  it('refuses a schema that is older than this release', async () => {
    const rig = await newRig({ state: 'migrated' })
    const { target } = await rig.store.schema.state()
    await rig.rows('delete from @.migrations where version = $1', [target])
    await expect(rig.store.open()).rejects.toMatchObject({
      code: 'store_incompatible',
      details: { current: target - 1, target },
    })
  })

  it('is left as it was when a migration fails', async () => {
    const rig = await newRig({ state: 'nothing' })
    await rig.rows(`create schema "${rig.schema}"`)
    await rig.rows('create table @.chunks (mine integer)')
    await expect(rig.store.schema.migrate()).rejects.toMatchObject({ code: 'internal' })
    const tables = await rig.rows('select tablename from pg_tables where schemaname = $1', [rig.schema])
    expect(tables).toEqual([{ tablename: 'chunks' }])
  })

  it('goes on where it stopped once what was in the way is gone', async () => {
    const rig = await newRig({ state: 'nothing' })
    const { pending, target } = await rig.store.schema.state()
    const session = await sessionOn(rig)
    for (const { sql } of pending.slice(0, 5)) await session.query(sql)
    await session.query('create table audit (mine integer)')
    await expect(rig.store.schema.migrate()).rejects.toMatchObject({ code: 'internal' })
    expect(await rig.store.schema.state()).toMatchObject({ current: 5 })
    await session.query('drop table audit')
    const states = await Promise.all([rig.store.schema.migrate(), rig.store.schema.migrate()])
    expect(states).toEqual(states.map(() => ({ current: target, target, pending: [] })))
    expect(await rig.rows('select version from @.migrations order by version')).toHaveLength(target)
  })

  it('may have a name that has to be quoted', async () => {
    const rig = await newRig({ state: 'nothing', schema: `it's "odd"`, listen: true })
    await rig.store.schema.migrate()
    await rig.store.open()
    const draft = rig.draft({ keys: ['k'] })
    await rig.store.append([draft])
    expect(await rig.store.append([rig.draft({ keys: ['k'] })])).toMatchObject([
      { verdicts: [{ status: 'duplicate', id: commandId(draft.id, 0) }] },
    ])
    await rig.rows(`drop schema "it's ""odd""" cascade`)
  })

  it.each([
    ['a schema without a name', { schema: '' }],
    ['a name that PostgreSQL would cut', { schema: 'x'.repeat(64) }],
    ['half a connection', { connectionsMax: 0.5 }],
    ['no time to answer', { queryTimeoutMs: 0 }],
  ])('is not set up with %s', async (_, options) => {
    await expect(newRig({ state: 'nothing', ...options })).rejects.toMatchObject({ code: 'invalid_argument' })
  })

  it('has a view of every stored command with its payload and state', async () => {
    const rig = await newRig()
    await rig.store.append([rig.draft({ payloads: ['first'], keys: ['k'] })])
    await rig.store.append([rig.draft({ queue: 'other', payloads: [0, 1, 2, 3] })])
    const leases = await rig.store.claim({
      ...{ queue: 'other', types: ['work'], chunksMax: 1, commandsMax: 10, leaseMs: 1_000, workerId: 'w' },
    })
    const error = { code: 'boom', message: 'nul \u0000' }
    await rig.store.settle([
      {
        ...complete(leases[0] as { chunkId: string; token: number }),
        updates: [
          { index: 1, state: 'dead', attempts: 5, delayMs: 0, error },
          { index: 2, state: 'retrying', attempts: 1, delayMs: 1_000, error },
          { index: 3, state: 'succeeded', attempts: 1, delayMs: 0, error: null, result: '{"ok":1}' },
        ],
      },
    ])
    await rig.store.append([rig.draft({ payloads: [{ a: 'nul \u0000 ä' }, 'first'], keys: [null, 'k'] })])
    expect(
      await rig.rows(
        'select queue, state, payload::text as payload, result, attempts from @.commands order by accepted_at, id',
      ),
    ).toEqual([
      { queue: 'main', state: 'accepted', payload: '"first"', result: null, attempts: null },
      { queue: 'other', state: 'succeeded', payload: '0', result: null, attempts: null },
      { queue: 'other', state: 'dead', payload: '1', result: null, attempts: 5 },
      { queue: 'other', state: 'retrying', payload: '2', result: null, attempts: 1 },
      { queue: 'other', state: 'succeeded', payload: '3', result: '{"ok":1}', attempts: null },
      { queue: 'main', state: 'accepted', payload: '{"a":"nul \\u0000 ä"}', result: null, attempts: null },
    ])
  })
})
