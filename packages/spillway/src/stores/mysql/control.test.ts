// Operators' verbs in large numbers, and against everything else that happens.

import { describe, expect, it, onTestFinished } from 'vitest'
import { type MysqlRig, mysqlRig, TEST_OPTIONS } from '../../../test/support/mysql-rig.js'
import { type CommandUpdate, commandId, type UpdateState, VERB_COMMANDS_MAX } from '../../domain/index.js'
import { seededRandom } from '../../testing/seeded-random.js'
import { type MysqlStore, mysql } from './index.js'

const ERROR = { code: 'e', message: 'm' }
const TOKEN = 'hash of a token'

function idsOf(chunkId: string, size: number): string[] {
  return Array.from({ length: size }, (_, index) => commandId(chunkId, index))
}

describe('cancelling', () => {
  it('answers for as many commands as one transaction takes, in their order, and refuses more', async () => {
    const rig = await mysqlRig()
    const drafts = [300, 198].map((size) => rig.draft({ payloads: Array.from({ length: size }, () => 'p') }))
    await rig.store.append(drafts)
    const [first, second] = drafts as [(typeof drafts)[0], (typeof drafts)[0]]
    const ids = ['nonsense', ...idsOf(first.id, 300), ...idsOf(second.id, 198), commandId(first.id, 0)]
    expect(ids).toHaveLength(VERB_COMMANDS_MAX)
    const verdicts = await rig.store.control.cancel(ids)
    expect([verdicts[0], verdicts.at(-1)]).toEqual(['not_found', 'conflict'])
    expect(new Set(verdicts.slice(1, -1))).toEqual(new Set(['ok']))
    expect(await rig.store.reader.accounting()).toMatchObject({ accepted: 498, cancelled: 498, ready: 0 })
    const again = await rig.store.control.redrive(ids)
    expect(again.filter((verdict) => verdict === 'ok')).toHaveLength(498)
    expect(again.at(-1)).toBe('conflict')
    await expect(rig.store.control.cancel([...ids, 'one more'])).rejects.toMatchObject({
      code: 'invalid_argument',
    })
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
    const appended = await Promise.all(
      stores.flatMap((store, n) => [
        worker(rig, store, seededRandom(n), steps),
        operator(store, ids, seededRandom(10 + n), steps),
        maintainer(rig, store, steps),
      ]),
    )
    const { accepted, ...places } = await rig.store.reader.accounting()
    expect(accepted).toBe(60 + appended.reduce((sum, count) => sum + count, 0))
    expect(Object.values(places).reduce((sum, count) => sum + count, 0)).toBe(accepted)
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

/** How many commands followed from others. */
async function worker(
  rig: MysqlRig,
  store: MysqlStore,
  random: () => number,
  steps: number,
): Promise<number> {
  let appended = 0
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
      appends: random() < 0.2 ? [rig.draft({ partition: random() < 0.5 ? 1 : null })] : [],
    }))
    const verdicts = await store.settle(settlements)
    appended += settlements.filter(({ appends }, n) => verdicts[n] === 'ok' && appends.length > 0).length
  }
  return appended
}

const OUTCOMES: readonly UpdateState[] = [
  ...(['retrying', 'reconciling', 'pending', 'blocked', 'compensating'] as const),
  ...(['dead', 'failed', 'compensated'] as const),
]

function updateOf(index: number, chance: number): CommandUpdate | null {
  if (chance < 0.3) return null
  const state = OUTCOMES[Math.floor(chance * 1_000) % OUTCOMES.length] as UpdateState
  const completion = state === 'pending' ? { tokenHash: TOKEN, expiresInMs: 1_000 } : null
  const orderingKey = state === 'dead' ? null : `key ${index % 2}`
  return {
    index,
    state,
    attempts: 1,
    delayMs: 0,
    error: ERROR,
    orderingKey,
    completion,
    fingerprint: 'alike',
  }
}

async function operator(
  store: MysqlStore,
  ids: readonly string[],
  random: () => number,
  steps: number,
): Promise<number> {
  for (let step = 0; step < steps; step += 1) {
    const some = ids.filter(() => random() < 0.3)
    await verbOf(store, random())(some)
    const update = { state: 'retrying', attempts: 1, delayMs: 0, error: null } as const
    await store.control.complete([{ tokenHash: TOKEN, update }])
  }
  return 0
}

function verbOf({ control }: MysqlStore, chance: number): (ids: readonly string[]) => Promise<unknown> {
  return chance < 0.4 ? control.cancel : chance < 0.8 ? control.redrive : control.discard
}

async function maintainer(rig: MysqlRig, store: MysqlStore, steps: number): Promise<number> {
  for (let step = 0; step < steps; step += 1) {
    await store.promote({ limit: 20, chunkCommandsMax: 7, newChunkId: () => rig.draft().id })
    await store.prune({ retentionMs: 1_000_000, failedRetentionMs: 1_000_000, limit: 10 })
  }
  return 0
}

/** Chunks whose own numbers disagree with what their rows and lists say. */
const MISCOUNTED = `
select * from (
  select chunks.id, open, unsuccessful, live, size, skip, chunks.state,
    count(parked.idx) - count(parked.finished_at) as open_rows,
    coalesce(sum(parked.state in ('failed', 'dead', 'cancelled', 'compensated')), 0) as bad_rows
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
