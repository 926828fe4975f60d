// Hearing of work that other processes made claimable, over a connection that may be lost.

import pg from 'pg'
import { requireServer } from 'spillway-test-bed'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  claimAll,
  complete,
  disposing,
  type PostgresRig,
  postgresRigs,
} from '../../../test/support/postgres-rig.js'
import { sessionOn } from '../../../test/support/postgres-session.js'
import { Hints } from './hints.js'
import type { PostgresStore } from './index.js'
import { newWake } from './wake.js'

/** Between two notifications of one process. */
const NOTIFY_EVERY_MS = 10

requireServer(describe, 'postgres')('wake-up between processes', () => {
  const newRig = disposing(postgresRigs())

  it('tells another process of what was appended', async () => {
    const rig = await newRig()
    const heard = nextHint(await rig.other({ listen: true }))
    await rig.store.append([rig.draft({ queue: 'a queue', payloads: [1, 2, 3] })])
    expect(await heard).toEqual(['a queue', 3])
  })

  it('tells of a chunk that its holder gave back, and of one that waited for its partition', async () => {
    const rig = await newRig()
    const other = await rig.other({ listen: true })
    const appended = nextHint(other)
    await rig.store.append([rig.draft({ partition: 1 }), rig.draft({ partition: 1 })])
    // What is told of the append comes some time after it.
    await appended
    const [lease] = await claimAll(rig.store)
    const released = nextHint(other)
    const { chunkId, token } = lease as { chunkId: string; token: number }
    await rig.store.extend([{ chunkId, token, updates: [], finished: [], release: true }], 1_000)
    expect(await released).toEqual(['main', 1])
    const [again] = await claimAll(rig.store)
    const unblocked = nextHint(other)
    await rig.store.settle([complete(again as { chunkId: string; token: number })])
    expect(await unblocked).toEqual(['main', 0])
  })

  it("tells of what was appended in a caller's transaction when that commits, and not before", async () => {
    const rig = await newRig()
    const session = await sessionOn(rig)
    const heard: unknown[] = []
    const other = await rig.other({ listen: true })
    const first = nextHint(other)
    other.wake.subscribe((queue) => heard.push(queue))
    await session.query('begin')
    await rig.store.append([rig.draft({ queue: 'enlisted' })], { tx: session as unknown as pg.PoolClient })
    // What comes after it is heard first: the other has had the time to hear of it.
    const plain = nextHint(other)
    await rig.store.append([rig.draft({ queue: 'plain' })])
    expect([await first, await plain]).toEqual([
      ['plain', 1],
      ['plain', 1],
    ])
    const enlisted = nextHint(other)
    await session.query('commit')
    expect(await enlisted).toEqual(['enlisted', 1])
    expect(heard).toEqual(['plain', 'enlisted'])
  })

  it('sends few notifications for many appends', async () => {
    const rig = await newRig()
    const session = await sessionOn(rig)
    const payloads: string[] = []
    const last = new Promise<void>((resolve) => {
      session.on('notification', ({ payload = '' }) => {
        payloads.push(payload)
        if (payload.endsWith(' last')) resolve()
      })
    })
    await session.query(`listen "${rig.schema}"`)
    const startedAt = performance.now()
    await Promise.all(Array.from({ length: 100 }, () => rig.store.append([rig.draft()])))
    await rig.store.append([rig.draft({ queue: 'last' })])
    await last
    const commands = payloads
      .filter((payload) => payload.endsWith(' main'))
      .map((payload) => Number.parseInt(payload, 10))
    expect(commands.reduce((sum, count) => sum + count, 0)).toBe(100)
    // The first at once, and one per interval, which timers may cut short by a millisecond.
    const intervals = (performance.now() - startedAt) / (NOTIFY_EVERY_MS - 1)
    expect(payloads.length).toBeLessThan(3 + intervals)
  })

  it('listens again after its connection was lost, and wakes at once for what it may have missed', async () => {
    const rig = await newRig()
    const other = await rig.other({ listen: true })
    await claimAll(other)
    const woken = nextHint(other)
    await endListeners(rig)
    expect(await woken).toEqual(['main', 0])
    const heard = nextHint(other)
    await rig.store.append([rig.draft({ queue: 'later' })])
    expect(await heard).toEqual(['later', 1])
  })

  it('works without listening', async () => {
    const rig = await newRig({ listen: false })
    expect(await listeners(rig)).toEqual([])
    const heard = nextHint(rig.store)
    await rig.store.append([rig.draft()])
    expect(await heard).toEqual(['main', 1])
  })

  it('listens no more once it is closed', async () => {
    const rig = await newRig()
    const other = await rig.other({ listen: true })
    expect(await listeners(rig)).toHaveLength(1)
    await other.close()
    expect(await listeners(rig)).toEqual([])
  })

  it("takes its connections from the application's pool", async () => {
    const rig = await newRig()
    const pool = new pg.Pool({ connectionString: rig.url, max: 2 })
    onTestFinished(() => pool.end())
    const other = await rig.other({ pool, listen: true })
    const heard = nextHint(other)
    await rig.store.append([rig.draft()])
    expect(await heard).toEqual(['main', 1])
    expect(await claimAll(other)).toHaveLength(1)
    await other.close()
    expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  })
})

describe('hints', () => {
  it('are not lost when a notification fails: the next ones are sent', async () => {
    const sent: (readonly string[])[] = []
    const pauses: (() => void)[] = []
    const wake = newWake({
      pause: {
        monotonic: () => 0,
        sleep: async () => {},
        schedule: (_, run) => {
          pauses.push(run)
          return () => {}
        },
      },
      notify: async (payloads) => {
        sent.push(payloads)
        throw new Error('no connection')
      },
    })
    wake.start()
    wake.give(hint('a', 1))
    wake.give(hint('b', 2))
    wake.give(hint('b', 3))
    await untilSome(pauses)
    pauses[0]?.()
    expect(sent).toEqual([['1 a'], ['5 b']])
  })

  it('of this process are heard once', () => {
    const wake = newWake({
      pause: { monotonic: () => 0, sleep: async () => {}, schedule: () => () => {} },
      notify: async (_, sending) => sending(7),
    })
    const heard: unknown[] = []
    wake.subscribe((queue, commands) => heard.push([queue, commands]))
    wake.start()
    wake.give(hint('a', 1))
    wake.hear({ channel: 'c', payload: '1 a', processId: 7 } as pg.Notification)
    wake.hear({ channel: 'c', payload: 'not one of ours', processId: 8 } as pg.Notification)
    wake.hear({ channel: 'c', payload: '2 b c', processId: 8 } as pg.Notification)
    expect(heard).toEqual([
      ['a', 1],
      ['one of ours', 0],
      ['b c', 2],
    ])
  })
})

function hint(queue: string, commands: number): Hints {
  const hints = new Hints()
  hints.add(queue, commands)
  return hints
}

async function untilSome(list: readonly unknown[]): Promise<void> {
  for (let turn = 0; list.length === 0 && turn < 100; turn += 1) await Promise.resolve()
}

function nextHint(store: PostgresStore): Promise<[string, number]> {
  return new Promise((resolve) => {
    const stop = store.wake.subscribe((queue, commands) => {
      stop()
      resolve([queue, commands])
    })
  })
}

const LISTENING = `
from pg_stat_activity where datname = current_database() and query ilike 'listen %' and application_name = 'spillway'`

function listeners(rig: PostgresRig): Promise<unknown[]> {
  return rig.rows(`select pid ${LISTENING} and query like '%${rig.schema}%'`)
}

async function endListeners(rig: PostgresRig): Promise<void> {
  await rig.rows(`select pg_terminate_backend(pid) ${LISTENING} and query like '%${rig.schema}%'`)
}
