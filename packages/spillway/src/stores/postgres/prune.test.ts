import { requireServer } from 'spillway-test-bed'
import { describe, expect, it, vi } from 'vitest'
import {
  claimAll,
  complete,
  disposing,
  type PostgresRig,
  postgresRigs,
} from '../../../test/support/postgres-rig.js'
import { sessionOn } from '../../../test/support/postgres-session.js'
import { type CommandUpdate, commandId, NODE_SILENCES_MAX } from '../../domain/index.js'

const DAY_MS = 86_400_000
const ALL = { retentionMs: 1, failedRetentionMs: 1 }
const DEAD: CommandUpdate = {
  index: 0,
  state: 'dead',
  attempts: 1,
  delayMs: 0,
  error: { code: 'e', message: 'm' },
}

requireServer(describe, 'postgres')('pruning', () => {
  const rigs = disposing(postgresRigs())

  /** Chunks of `size` commands that all ended. */
  async function ended(
    rig: PostgresRig,
    count: number,
    size = 1,
    updates: CommandUpdate[] = [],
  ): Promise<string[]> {
    const drafts = Array.from({ length: count }, () =>
      rig.draft({ payloads: Array.from({ length: size }, (_, n) => n) }),
    )
    for (let from = 0; from < count; from += 50) {
      await rig.store.append(drafts.slice(from, from + 50))
      const leases = await claimAll(rig.store)
      await rig.store.settle(leases.map((lease) => ({ ...complete(lease), updates })))
    }
    await rig.clock.advance(10)
    return drafts.map(({ id }) => id)
  }

  it('removes a bounded number of commands per call, and everything of them in the end', async () => {
    const rig = await rigs()
    await ended(rig, 22, 900, [
      { ...DEAD, state: 'succeeded', error: null, result: '1' },
      { ...DEAD, index: 1 },
    ])
    const request = { ...ALL, limit: 500 }
    expect(await rig.store.prune(request)).toEqual({ chunks: 11, commands: 9_900, keys: 0 })
    expect(await rig.store.prune(request)).toEqual({ chunks: 11, commands: 9_900, keys: 0 })
    for (const table of ['chunks', 'bodies', 'results', 'parked']) {
      expect(await rig.rows(`select count(*)::int as n from @.${table}`), table).toEqual([{ n: 0 }])
    }
  })

  it('shares the work between maintainers, and removes nothing twice', async () => {
    const rig = await rigs()
    await ended(rig, 100)
    const stores = [rig.store, await rig.other(), await rig.other()]
    let removed = 0
    for (let round = 0; round < 20 && removed < 100; round += 1) {
      const reports = await Promise.all(stores.map((store) => store.prune({ ...ALL, limit: 10 })))
      removed += reports.reduce((sum, { commands }) => sum + commands, 0)
    }
    expect(removed).toBe(100)
    expect(await rig.store.prune({ ...ALL, limit: 10 })).toEqual({ chunks: 0, commands: 0, keys: 0 })
  })

  it('passes over a family that somebody holds, and one that a redrive has opened meanwhile', async () => {
    const rig = await rigs()
    const [held, open, other] = await ended(rig, 3, 1, [DEAD])
    const session = await sessionOn(rig)
    await session.query('begin')
    await session.query('select 1 from chunks where id = $1 for update', [held])
    await rig.store.control.redrive([commandId(open as string, 0)])
    expect(await rig.store.prune({ ...ALL, limit: 10 })).toEqual({ chunks: 1, commands: 1, keys: 0 })
    await session.query('commit')
    expect(await rig.store.prune({ ...ALL, limit: 10 })).toEqual({ chunks: 1, commands: 1, keys: 0 })
    const views = await rig.store.reader.get([held, open, other].map((id) => commandId(id as string, 0)))
    expect(views.map((view) => view?.state ?? null)).toEqual([null, 'retrying', null])
  })

  it('takes smaller steps after one that the database could not do in time, and grows back', async () => {
    const rig = await rigs()
    const ids = await ended(rig, 100)
    const session = await sessionOn(rig)
    await session.query('begin')
    await session.query(
      'select 1 from bodies where seq = (select seq from chunks where id = $1) for update',
      [ids[0]],
    )
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const slow = rig.store.prune({ ...ALL, limit: 40 })
      slow.catch(() => {})
      // As the server ends a statement whose time is over.
      await rig.rows('select pg_cancel_backend($1)', [await untilOneWaits(rig)])
      await expect(slow).rejects.toMatchObject({ code: 'store_unavailable', details: { reason: 'timeout' } })
    }
    await session.query('commit')
    const steps: number[] = []
    for (let call = 0; call < 4; call += 1) steps.push((await rig.store.prune({ ...ALL, limit: 40 })).chunks)
    expect(steps).toEqual([10, 20, 40, 30])
  })

  it('forgets nodes that were silent for long', async () => {
    const rig = await rigs()
    const node = { host: 'h', pid: 1, version: '1', roles: [] }
    await rig.store.nodes.heartbeat({ ...node, id: 'brief' }, 1_000)
    await rig.store.nodes.heartbeat({ ...node, id: 'patient' }, DAY_MS)
    await rig.clock.advance(1_000 * NODE_SILENCES_MAX - 1)
    await rig.store.prune({ ...ALL, limit: 10 })
    expect((await rig.store.nodes.list()).map(({ id, alive }) => [id, alive])).toEqual([
      ['brief', false],
      ['patient', true],
    ])
    await rig.clock.advance(1)
    await rig.store.prune({ ...ALL, limit: 10 })
    expect((await rig.store.nodes.list()).map(({ id }) => id)).toEqual(['patient'])
  })
})

/** The server process that waits for a lock of the rig's tables. */
function untilOneWaits(rig: PostgresRig): Promise<number> {
  return vi.waitFor(
    async () => {
      const waiting = await rig.rows(`
        select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
          and query like '%"${rig.schema}"%'`)
      expect(waiting).toHaveLength(1)
      return waiting[0]?.pid as number
    },
    { timeout: 20_000, interval: 5 },
  )
}
