// Operators' verbs in large numbers, and against everything else that happens.

import { describe, expect, it, onTestFinished } from 'vitest'
import { type MysqlRig, mysqlRig, TEST_OPTIONS } from '../../../test/support/mysql-rig.js'
import { type CommandUpdate, commandId } from '../../domain/index.js'
import { seededRandom } from '../../testing/seeded-random.js'
import { type MysqlStore, mysql } from './index.js'

const ERROR = { code: 'e', message: 'm' }

function idsOf(chunkId: string, size: number): string[] {
  return Array.from({ length: size }, (_, index) => commandId(chunkId, index))
}

describe('cancelling', () => {
  it('answers for more commands than one transaction takes, in their order', async () => {
    const rig = await mysqlRig()
    const drafts = [600, 700].map((size) => rig.draft({ payloads: Array.from({ length: size }, () => 'p') }))
    await rig.store.append(drafts)
    const [first, second] = drafts as [(typeof drafts)[0], (typeof drafts)[0]]
    const ids = ['nonsense', ...idsOf(first.id, 600), ...idsOf(second.id, 700), commandId(first.id, 0)]
    const verdicts = await rig.store.control.cancel(ids)
    expect(verdicts).toHaveLength(1_302)
    expect([verdicts[0], verdicts.at(-1)]).toEqual(['not_found', 'conflict'])
    expect(new Set(verdicts.slice(1, -1))).toEqual(new Set(['ok']))
    expect(await rig.store.reader.accounting()).toMatchObject({ accepted: 1_300, cancelled: 1_300, ready: 0 })
    const again = await rig.store.control.redrive(ids)
    expect(again.filter((verdict) => verdict === 'ok')).toHaveLength(1_300)
    expect(again.at(-1)).toBe('conflict')
  })

  it('frees what waits behind the last command of an ordered chunk', async () => {
    const rig = await mysqlRig()
    const [first, second] = [rig.draft({ partition: 1 }), rig.draft({ partition: 1, payloads: ['second'] })]
    await rig.store.append([first, second])
    const heard: string[] = []
    rig.store.wake.subscribe((queue) => heard.push(queue))
    await rig.store.control.cancel([commandId(first.id, 0)])
    expect(heard).toEqual(['main'])
    const leases = await rig.store.claim({
      ...{ queue: 'main', types: ['work'], chunksMax: 10, commandsMax: 10 },
      ...{ leaseMs: 1_000, workerId: 'w' },
    })
    expect(leases.map(({ chunkId }) => chunkId)).toEqual([second.id])
  })

  it('waits for a settlement under way and says what came of it', async () => {
    const rig = await mysqlRig()
    const lease = await rig.lease({ payloads: ['a', 'b'] })
    const updates: CommandUpdate[] = [
      { index: 0, state: 'retrying', attempts: 1, delayMs: 1_000, error: ERROR },
    ]
    let verdicts: Promise<readonly string[]> = Promise.resolve([])
    await rig.store.settleWithin([lease], async () => {
      verdicts = rig.store.control.cancel(idsOf(lease.chunkId, 2)).then((answer) => answer)
      return [{ chunkId: lease.chunkId, token: lease.token, updates, finished: [], complete: true }]
    })
    const [first, second] = await verdicts
    const states = (await rig.store.reader.get(idsOf(lease.chunkId, 2))).map((view) => view?.state)
    expect(states).toEqual([first === 'ok' ? 'cancelled' : 'retrying', 'succeeded'])
    expect(second).toBe('conflict')
  })
})

describe('everything at once', () => {
  it('keeps every command in one place, and deadlocks are nobody’s concern', async () => {
    const rig = await mysqlRig()
    const stores = [rig.store, await another(rig), await another(rig)]
    const ids: string[] = []
    for (let n = 0; n < 12; n += 1) {
      const draft = rig.draft({ payloads: ['a', 'b', 'c', 'd', 'e'], partition: n % 3 === 0 ? n % 2 : null })
      await rig.store.append([draft])
      ids.push(...idsOf(draft.id, 5))
    }
    const steps = 40
    await Promise.all(
      stores.flatMap((store, n) => [
        worker(store, seededRandom(n), steps),
        operator(store, ids, seededRandom(10 + n), steps),
        maintainer(rig, store, steps),
      ]),
    )
    const { accepted, ...places } = await rig.store.reader.accounting()
    expect(accepted).toBe(60)
    expect(Object.values(places).reduce((sum, count) => sum + count, 0)).toBe(60)
    expect(await rig.rows(MISCOUNTED)).toEqual([])
    expect(await rig.rows(ORPHANS)).toEqual([])
  })
})

async function another(rig: MysqlRig): Promise<MysqlStore> {
  const store = mysql(rig.database.url, { ...TEST_OPTIONS, clock: rig.clock })
  await store.open()
  onTestFinished(() => store.close())
  return store
}

async function worker(store: MysqlStore, random: () => number, steps: number): Promise<void> {
  for (let step = 0; step < steps; step += 1) {
    const leases = await store.claim({
      ...{ queue: 'main', types: ['work'], chunksMax: 3, commandsMax: 20 },
      ...{ leaseMs: random() < 0.2 ? 0 : 60_000, workerId: 'w' },
    })
    const settlements = leases.map(({ chunkId, token, size }) => ({
      ...{ chunkId, token, finished: [] },
      updates: Array.from({ length: size }, (_, index) => updateOf(index, random())).filter(
        (update) => update !== null,
      ),
      complete: true,
    }))
    await store.settle(settlements)
  }
}

function updateOf(index: number, chance: number): CommandUpdate | null {
  if (chance < 0.3) return null
  const state = chance < 0.6 ? 'retrying' : chance < 0.8 ? 'dead' : 'failed'
  return { index, state, attempts: 1, delayMs: 0, error: ERROR }
}

async function operator(
  store: MysqlStore,
  ids: readonly string[],
  random: () => number,
  steps: number,
): Promise<void> {
  for (let step = 0; step < steps; step += 1) {
    const some = ids.filter(() => random() < 0.3)
    await (random() < 0.5 ? store.control.cancel(some) : store.control.redrive(some))
  }
}

async function maintainer(rig: MysqlRig, store: MysqlStore, steps: number): Promise<void> {
  for (let step = 0; step < steps; step += 1) {
    await store.promote({ limit: 20, chunkCommandsMax: 7, newChunkId: () => rig.draft().id })
    await store.prune({ retentionMs: 1_000_000, failedRetentionMs: 1_000_000, limit: 10 })
  }
}

/** Chunks whose own numbers disagree with what their rows and lists say. */
const MISCOUNTED = `
select * from (
  select chunks.id, open, unsuccessful, live, size, skip, chunks.state,
    count(parked.idx) - count(parked.finished_at) as open_rows,
    coalesce(sum(parked.state in ('failed', 'dead', 'cancelled')), 0) as bad_rows
  from spillway_chunks chunks left join spillway_parked parked on parked.chunk_id = chunks.id
  group by chunks.seq) counted
where open <> open_rows or unsuccessful <> bad_rows
  or (state <> 'done' and live <> size - coalesce(json_length(skip), 0)) or (state = 'done' and live <> 0)`

/** Rows that ride in a chunk which is not there, or which does not carry them. */
const ORPHANS = `
select parked.chunk_id, parked.idx from spillway_parked parked
left join spillway_chunks carriers on carriers.seq = parked.carrier
where parked.state = 'promoted'
  and (carriers.seq is null or locate(concat(parked.chunk_id, '-', parked.idx, '"'), carriers.members) = 0)`
