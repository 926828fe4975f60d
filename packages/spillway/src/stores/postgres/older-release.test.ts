// A release that knows no stages, running beside this one or before it: its functions still work, what it leaves is taken over, and
// it cannot take for a command to execute what is to be asked about or undone.

import { requireServer } from 'spillway-test-bed'
import { describe, expect, it } from 'vitest'
import {
  claimAll,
  complete,
  disposing,
  type PostgresRig,
  postgresRigs,
} from '../../../test/support/postgres-rig.js'
import { sessionOn } from '../../../test/support/postgres-session.js'
import { type CommandUpdate, commandId, type Lease } from '../../domain/index.js'

/** The last version of that release's schema. */
const OLDER = 5

requireServer(describe, 'postgres')('a release without stages', () => {
  const rigs = disposing(postgresRigs())

  async function append(rig: PostgresRig, size = 1): Promise<string> {
    const { id } = rig.draft()
    const body = JSON.stringify(Array.from({ length: size }, (_, n) => n))
    await rig.rows(
      `select @.append_1($1, true, false, null, array[$2], '{main}', '{work}', '{0}', '{-1}', '{json}', array[$3], array[$4::integer],
        '{}', null, '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}')`,
      [rig.clock.now(), id, body, size],
    )
    return id
  }

  function claim(rig: PostgresRig): Promise<Record<string, unknown>[]> {
    const values = [rig.clock.now()]
    return rig.rows(`select * from @.claim_1($1, 'main', '{work}', 100, 10000, 30000, 'older')`, values)
  }

  async function retry(
    rig: PostgresRig,
    { id, token }: Record<string, unknown>,
    delayMs: number,
  ): Promise<void> {
    await rig.rows(
      `select @.settle_1($1, null, array[$2], array[$3::bigint], '{true}', '{1}', '{0}', '{retrying}', '{1}', array[$4::bigint],
        '{NULL}', '{NULL}', '{}', '{}')`,
      [rig.clock.now(), id, token, delayMs],
    )
  }

  function promote(rig: PostgresRig): Promise<number> {
    return rig.store.promote({ limit: 100, chunkCommandsMax: 100, newChunkId: () => rig.draft().id })
  }

  /** Settles command 0 of a new chunk with the update. */
  async function park(rig: PostgresRig, update: Partial<CommandUpdate>): Promise<string> {
    const lease = await rig.lease()
    const error = { code: 'e', message: 'm' }
    const whole = { index: 0, state: 'retrying' as const, attempts: 1, delayMs: 1_000, error, ...update }
    await rig.store.settle([{ ...complete(lease), updates: [whole] }])
    return commandId(lease.chunkId, 0)
  }

  async function stateOf(rig: PostgresRig, id: string): Promise<string | undefined> {
    return (await rig.store.reader.get([id]))[0]?.state
  }

  it('leaves a schema whose commands go on in this one', async () => {
    const rig = await rigs({ state: 'nothing' })
    const session = await sessionOn(rig)
    const { pending } = await rig.store.schema.state()
    for (const { sql } of pending.filter(({ version }) => version <= OLDER)) await session.query(sql)
    const retried = await append(rig)
    const [lease] = await claim(rig)
    await retry(rig, lease as Record<string, unknown>, 1_000)
    const waiting = await append(rig, 2)
    await rig.store.schema.migrate()
    await rig.store.open()
    await rig.clock.advance(1_001)
    expect(await promote(rig)).toBe(1)
    const leases = await claimAll(rig.store)
    expect(leases.map(({ members, stage, tenant }) => [members?.[0]?.id, stage, tenant])).toEqual([
      [undefined, 'execute', null],
      [commandId(retried, 0), 'execute', null],
    ])
    await rig.store.settle(leases.map((one) => complete(one)))
    expect(await rig.store.reader.accounting()).toMatchObject({ accepted: 3, succeeded: 3, retrying: 0 })
    expect(await stateOf(rig, commandId(waiting, 1))).toBe('succeeded')
  })

  it('stores, claims and settles beside this one', async () => {
    const rig = await rigs()
    const mine = rig.draft()
    await rig.store.append([mine])
    const theirs = await append(rig)
    const claimed = await claim(rig)
    expect(claimed.map(({ id }) => id)).toEqual([mine.id, theirs])
    for (const lease of claimed) await retry(rig, lease, 1_000)
    await rig.clock.advance(1_001)
    expect(await promote(rig)).toBe(2)
    const [carried] = await claim(rig)
    await retry(rig, carried as Record<string, unknown>, 1_000)
    expect(await rig.store.reader.accounting()).toMatchObject({
      retrying: 1,
      succeeded: 1,
      ready: 0,
      running: 0,
    })
  })

  it('never gets a command that is to be asked about, polled or undone', async () => {
    const rig = await rigs()
    await park(rig, { state: 'reconciling', stage: 'reconcile' })
    await park(rig, { state: 'pending', stage: 'poll' })
    await park(rig, { state: 'compensating', stage: 'compensate' })
    await rig.clock.advance(1_001)
    const due = 'select 1 from @.parked where next_at <= $1'
    expect(await rig.rows(due, [rig.clock.now()]), 'what it would promote').toEqual([])
    expect(await promote(rig)).toBe(3)
    expect(await claim(rig)).toEqual([])
    const [lease] = await claimAll(rig.store, 1)
    await rig.clock.advance(30_001)
    expect(await claim(rig), 'nor after its lease expired').toEqual([])
    expect((await claimAll(rig.store)).map(({ type }) => type)).toEqual(['work', 'work', 'work'])
    expect(await rig.store.settle([complete(lease as Lease)])).toEqual(['stale'])
  })

  it('cancels what this one parked, for good', async () => {
    const rig = await rigs()
    const id = await park(rig, {})
    await rig.rows(
      `update @.parked set state = 'cancelled', next_at = null, carrier = null, finished_at = $1`,
      [rig.clock.now()],
    )
    await rig.clock.advance(1_001)
    expect(await promote(rig)).toBe(0)
    expect(await stateOf(rig, id)).toBe('cancelled')
  })
})
