// The database answers late, not at all, or only no. Callers are told within the deadline, in words that say what to do, and
// the same store works on when it is over.

import {
  type MariaDbServer,
  openSession,
  type PostgresServer,
  requireServer,
  type Session,
} from 'spillway-test-bed'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { Lease } from '../../src/domain/index.js'
import { CALL_KINDS, type CallKind, completed, type DoubtfulCall, persist } from './doubtful-calls.js'
import { ENGINES, type FaultEngine } from './engines.js'
import { type FaultRig, faultRig, idsOf } from './fault-rig.js'

const DEADLINE_MS = 400
const LIMITS = { connections: 1, queryTimeoutMs: DEADLINE_MS, acquireTimeoutMs: DEADLINE_MS }
/** Far more than a deadline, far less than for ever. */
const PATIENCE_MS = 15_000
const CONNECTIONS_TRIED_MAX = 50
const TIMEOUT_MS = 120_000

type Server = PostgresServer | MariaDbServer

for (const engine of ENGINES) {
  requireServer(describe, engine.kind, { isPrivate: true })(`a ${engine.kind} database`, () => {
    let server: Server
    beforeAll(async () => {
      server = await engine.start()
    })
    afterAll(() => server.stop())

    describe('behind a connection that is half open', () => {
      it('lets every call end by the deadline, and be sent again', { timeout: TIMEOUT_MS }, async () => {
        const rigs = await rigsOfKinds(engine, server)
        for (const directions of [['toServer', 'toClient'], ['toClient']] as const) {
          const calls = await readyCalls(rigs, `half open ${directions.length}`)
          for (const { rig } of calls) rig.proxy.swallow(...directions)
          const ends = await Promise.all(calls.map(({ rig, doubtful }) => failing(doubtful.call(rig.store))))
          for (const { rig } of calls) rig.proxy.reset()
          for (const [n, { name, doubtful }] of calls.entries()) {
            const { error, tookMs } = ends[n] as Failed
            expect(error, name).toMatchObject({ code: 'store_unavailable', retryable: true })
            expect(tookMs, name).toBeGreaterThanOrEqual(DEADLINE_MS - 5)
            expect(tookMs, name).toBeLessThan(PATIENCE_MS)
            await doubtful.resolve()
          }
        }
      })

      it('lets a new connection fail by the deadline too', async () => {
        const rig = await faultRig(engine, server, LIMITS)
        rig.proxy.cutAll()
        rig.proxy.swallow()
        const append = () => rig.store.append([rig.draft('main', [1])])
        // The first may only find out that the old connection is gone.
        for (const { error, tookMs } of [await failing(append()), await failing(append())]) {
          expect(error).toMatchObject({ code: 'store_unavailable', retryable: true })
          expect(tookMs).toBeLessThan(PATIENCE_MS)
        }
        rig.proxy.reset()
        await vi.waitFor(append, PATIENCE_MS)
      })
    })

    describe('that is paused', () => {
      it('answers when it goes on within the deadline', async () => {
        const rig = await faultRig(engine, server)
        const draft = rig.draft('main', [1, 2])
        await rig.store.append([rig.draft('main', [0])])
        server.pause()
        const appending = rig.store.append([draft])
        server.resume()
        expect((await appending)[0]?.verdicts).toBeNull()
        expect((await rig.claim('main')).map(({ chunkId }) => chunkId)).toContain(draft.id)
      })

      it('past the deadline, leaves every call in doubt, and done once when it was sent again', {
        timeout: TIMEOUT_MS,
      }, async () => {
        const calls = await readyCalls(await rigsOfKinds(engine, server), 'paused')
        server.pause()
        const failures = Promise.all(calls.map(({ rig, doubtful }) => failing(doubtful.call(rig.store))))
        const ends = await failures.finally(() => server.resume())
        for (const [n, { name, doubtful }] of calls.entries()) {
          expect(ends[n]?.error, name).toMatchObject({ code: 'store_unavailable', retryable: true })
          await doubtful.resolve()
        }
      })
    })

    describe('that is killed', () => {
      it('is missed at once, and used again by the same store after its restart', {
        timeout: TIMEOUT_MS,
      }, async () => {
        const rig = await faultRig(engine, server)
        const draft = rig.draft('main', [1])
        await rig.store.append([rig.draft('main', [0])])
        await server.kill()
        for (const call of [
          () => rig.store.append([draft]),
          () => rig.store.appendSettled([draft], rig.effectsOf(idsOf(draft))),
          () => rig.claim('main', rig.store),
          () => rig.store.probe(),
        ]) {
          expect((await failing(call())).error).toMatchObject({ code: 'store_unavailable', retryable: true })
        }
        await server.restart()
        await vi.waitFor(() => rig.store.probe(), PATIENCE_MS)
        await rig.store.append([draft])
        expect(await rig.claim('main', rig.store)).toHaveLength(2)
      })

      it('keeps a store from opening, until it is back', { timeout: TIMEOUT_MS }, async () => {
        const rig = await faultRig(engine, server)
        const late = engine.makeStore(rig.database.url)
        onTestFinished(() => late.close())
        await server.kill()
        expect((await failing(late.open())).error).toMatchObject({
          code: 'store_unavailable',
          retryable: true,
        })
        await server.restart()
        await late.open()
        await late.probe()
      })
    })

    describe('that refuses to write', () => {
      it('is said to be read-only, can be read, and takes writes again later', async () => {
        const rig = await faultRig(engine, server, { connections: 1 })
        const [kept, refused] = [rig.draft('main', [0]), rig.draft('main', [1])]
        await rig.store.append([kept])
        const [lease] = (await rig.claim('main')) as [Lease]
        onTestFinished(() => engine.setReadOnly(server.url, false, rig.database.name))
        await engine.setReadOnly(server.url, true, rig.database.name)
        await reconnect(rig)
        for (const call of [
          () => rig.store.append([refused]),
          () => rig.store.appendSettled([refused], rig.effectsOf(idsOf(refused))),
          () => rig.store.settle([completed(lease)]),
          () => rig.store.probe(),
        ]) {
          expect((await failing(call())).error).toMatchObject({
            ...{ code: 'store_unavailable', retryable: true, details: { reason: 'read_only' } },
          })
        }
        const views = await rig.store.reader.get([...idsOf(kept), ...idsOf(refused)])
        expect(views.map((view) => view?.state)).toEqual(['running', undefined])
        await engine.setReadOnly(server.url, false, rig.database.name)
        await reconnect(rig)
        expect(await rig.store.append([refused])).toMatchObject([{ verdicts: null }])
      })
    })

    describe('whose connections are all taken', () => {
      it('in the store: a call gives up in time, and can be sent again', async () => {
        const rig = await faultRig(engine, server, { connections: 1, acquireTimeoutMs: DEADLINE_MS })
        await rig.truth.append([rig.draft('main', [0]), rig.draft('main', [1])])
        const [first, second] = (await rig.claim('main')) as [Lease, Lease]
        const settleSecond = () => rig.store.settleWithin([second], async () => [completed(second)])
        const settleFirst = () =>
          rig.store.settleWithin([first], async () => {
            const { error, tookMs } = await failing(settleSecond())
            expect(error).toMatchObject({ code: 'store_unavailable', retryable: true })
            expect(tookMs).toBeGreaterThanOrEqual(DEADLINE_MS - 5)
            expect(tookMs).toBeLessThan(PATIENCE_MS)
            return [completed(first)]
          })
        // Where it takes a busy machine so long to make the connection, that is given up as well.
        expect(await persist(settleFirst)).toEqual(['ok'])
        expect(await persist(settleSecond)).toEqual(['ok'])
        expect((await rig.truth.reader.accounting()).succeeded).toBe(2)
      })

      it('by handlers: appends and heartbeats go on', async () => {
        const rig = await faultRig(engine, server, { connections: 1 })
        await rig.store.append([rig.draft('main', [0])])
        const [lease] = (await rig.claim('main')) as [Lease]
        const other = rig.draft('main', [1])
        await rig.store.settleWithin([lease], async () => {
          await rig.store.append([other])
          return []
        })
        expect((await rig.claim('main')).map(({ chunkId }) => chunkId)).toEqual([other.id])
      })

      it('on the server: the store says so, and opens once there is room', {
        timeout: TIMEOUT_MS,
      }, async () => {
        const crowded = await engine.start({ settings: { [engine.connectionsMaxSetting]: '12' } })
        onTestFinished(() => crowded.stop())
        const database = await crowded.createDatabase()
        const store = engine.makeStore(database.url)
        onTestFinished(() => store.close())
        await store.schema.migrate()
        const sessions = await takeAllConnections(database.url, engine.sessionsQuery)
        const { error } = await failing(store.open())
        expect(error).toMatchObject({ code: 'store_unavailable', retryable: true })
        await Promise.all(sessions.map((session) => session.close()))
        await vi.waitFor(() => store.open(), PATIENCE_MS)
        await store.probe()
      })
    })
  })
}

/** A database and a connection for each kind of call, so that all of them can wait for their deadlines together. */
async function rigsOfKinds(engine: FaultEngine, server: Server): Promise<ReadonlyMap<CallKind, FaultRig>> {
  const rigs = new Map<CallKind, FaultRig>()
  for (const kind of CALL_KINDS) rigs.set(kind, await faultRig(engine, server, LIMITS))
  return rigs
}

interface ReadyCall {
  readonly name: string
  readonly rig: FaultRig
  readonly doubtful: DoubtfulCall
}

/** One of each kind, whose connection has just done the same. */
async function readyCalls(
  rigs: ReadonlyMap<CallKind, FaultRig>,
  queue: string,
): Promise<readonly ReadyCall[]> {
  const calls: ReadyCall[] = []
  for (const [kind, rig] of rigs) {
    const warm = await kind.prepare(rig, `${queue}, warm`)
    await persist(() => warm.call(rig.store))
    calls.push({ name: kind.name, rig, doubtful: await kind.prepare(rig, queue) })
  }
  return calls
}

interface Failed {
  readonly error: unknown
  readonly tookMs: number
}

async function failing(call: Promise<unknown>): Promise<Failed> {
  const startedAt = performance.now()
  const error: unknown = await call.then(
    () => new Error('the call succeeded'),
    (reason: unknown) => reason,
  )
  return { error, tookMs: performance.now() - startedAt }
}

/** Gives the store new connections, which see settings that changed. */
async function reconnect(rig: FaultRig): Promise<void> {
  rig.proxy.cutAll()
  await vi.waitFor(() => rig.store.reader.accounting(), PATIENCE_MS)
}

/** `sessionsQuery`: how many the server has. Some of them may be of somebody who has just left. */
async function takeAllConnections(url: string, sessionsQuery: string): Promise<readonly Session[]> {
  const sessions: Session[] = []
  await vi.waitFor(async () => {
    sessions.push(...(await takeMoreConnections(url)))
    const [counted] = (await sessions[0]?.query(sessionsQuery)) ?? []
    expect(Number(counted?.sessions)).toBe(sessions.length)
  }, PATIENCE_MS)
  return sessions
}

async function takeMoreConnections(url: string): Promise<readonly Session[]> {
  const sessions: Session[] = []
  for (let tried = 0; tried < CONNECTIONS_TRIED_MAX; tried += 1) {
    const session = await openSession(url).catch(() => null)
    if (session === null) return sessions
    sessions.push(session)
  }
  throw new Error('the server takes more connections than it was told to')
}
