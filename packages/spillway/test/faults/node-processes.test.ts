// Several intakes and workers, each a process of its own, on one database: what they share, and what becomes of their work when one
// of them is paused or killed, when the database is, and when the schema becomes newer under their feet (I1, I5, I6, I7).

import { join } from 'node:path'
import { type MariaDbServer, type PostgresServer, requireServer } from 'spillway-test-bed'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { ENGINES } from './engines.js'
import { Application } from './processes/application.js'
import { Gate } from './processes/gate.js'
import { NEWER_SCHEMA } from './processes/newer-schema.js'
import { PATIENCE } from './processes/patience.js'
import { expectNothingLostOrDoubled } from './processes/verdict.js'

const PROCESSES = ['intake', 'intake', 'worker', 'worker'] as const
/** Little enough to be done soon after it ends. */
const TRAFFIC = { batchMax: 8, pauseMs: 100 }
const DATABASE_KILLS = 2
const LEASES_LOST = /^spillway_lease_lost_total\{/
const FAILED_CALLS = /^spillway_store_operation_duration_seconds_count\{.*outcome="error"/
const TIMEOUT_MS = 120_000

for (const engine of ENGINES) {
  requireServer(describe, engine.kind, { isPrivate: true })(`several processes on ${engine.kind}`, () => {
    let server: PostgresServer | MariaDbServer
    let application: Application
    beforeAll(async () => {
      server = await engine.start({ fsync: true })
      application = await Application.start(engine, server, PROCESSES)
    }, TIMEOUT_MS)
    afterAll(async () => {
      await application?.end()
      await server?.stop()
    })

    let gates = 0
    const newGate = (): Gate => {
      gates += 1
      return new Gate(join(application.folder, `gate-${gates}`))
    }
    const sendThrough = async ({ path }: Gate, type = 'slow'): Promise<string> =>
      String((await application.ask(`/v1/commands/${type}`, { gate: path })).id)

    it('are all among the nodes, and one of the workers keeps house', { timeout: TIMEOUT_MS }, async () => {
      const started = (role: string) =>
        application.posts.filter((post) => post.role === role).map(({ program }) => program.pid)
      // Whoever works keeps house a moment later.
      await vi.waitFor(async () => {
        const nodes = await application.nodes()
        const pidsOf = (role: string) =>
          nodes.filter(({ roles }) => roles.includes(role as never)).map(({ pid }) => pid)
        expect(nodes.every(({ alive }) => alive)).toBe(true)
        expect(new Set(pidsOf('intake'))).toEqual(new Set(started('intake')))
        expect(new Set(pidsOf('worker'))).toEqual(new Set(started('worker')))
        const keepers = nodes.filter(({ holds }) => holds.includes('maintenance'))
        expect(keepers.map(({ pid }) => pid)).toEqual([
          expect.toSatisfy((pid) => started('worker').includes(pid)),
        ])
      }, PATIENCE)
    })

    const othersSucceed = async (when: string): Promise<void> => {
      const ids = await Promise.all(
        [1, 2, 3, 4].map((n) => application.submit('click', { id: `${when}-${n}` })),
      )
      for (const id of ids) await application.untilSucceeded(id)
    }

    it('leave a paused queue alone', { timeout: TIMEOUT_MS }, async () => {
      await application.ask('/v1/queues/orders/pause')
      // Workers that looked before the pause have come back by then.
      await othersSucceed('before')
      const paused = await application.submit('order', { id: 'paused' })
      await othersSucceed('after')
      expect(await application.stateOf(paused)).toBe('accepted')
      await application.ask('/v1/queues/orders/resume')
      await application.untilSucceeded(paused)
    })

    it('keep together to the limit of a queue', { timeout: TIMEOUT_MS }, async () => {
      await application.ask('/v1/queues/patient/limit', { leasesMax: 1 })
      // Workers that looked before there was a limit have come back by then.
      await othersSucceed('limited')
      const waiting = [newGate(), newGate(), newGate()]
      const ids = []
      for (const gate of waiting) ids.push(await sendThrough(gate, 'patient'))
      const inside = (): Gate[] => waiting.filter(({ pids }) => pids.length > 0)
      for (const [n, gate] of waiting.slice(0, 2).entries()) {
        await gate.untilSomebodyComes()
        // Time enough for both workers to look.
        await application.untilSucceeded(await application.submit('click', { id: `meanwhile-${n}` }))
        expect(inside()).toHaveLength(n + 1)
        gate.open()
        await application.untilSucceeded(ids[n] as string)
      }
      await waiting[2]?.untilSomebodyComes()
      const more = [newGate(), newGate()]
      for (const gate of more) ids.push(await sendThrough(gate, 'patient'))
      await application.ask('/v1/queues/patient/limit', { leasesMax: null })
      // More than one at once: it was the limit that held them back.
      for (const gate of more) await gate.untilSomebodyComes()
      for (const gate of [...waiting, ...more]) gate.open()
      for (const id of ids) await application.untilSucceeded(id)
    })

    for (const type of ['slow', 'slow-in-transaction']) {
      it(`do not wait for one that is paused inside a handler (${type}), and what it does late counts for nothing`, {
        timeout: TIMEOUT_MS,
      }, async () => {
        const gate = newGate()
        const id = await sendThrough(gate, type)
        const pausedPid = await gate.untilSomebodyComes()
        const paused = application.post(pausedPid)
        const lostBefore = await metric(paused.url, LEASES_LOST)
        paused.program.signal('SIGSTOP')
        onTestFinished(() => paused.program.signal('SIGCONT'))
        const otherPid = await gate.untilSomebodyComes(pausedPid)
        gate.open()
        await application.untilSucceeded(id)
        paused.program.signal('SIGCONT')
        await vi.waitFor(
          async () => expect(await metric(paused.url, LEASES_LOST)).toBeGreaterThan(lostBefore),
          PATIENCE,
        )
        const [view] = await application.store.reader.get([id])
        expect(view).toMatchObject({ state: 'succeeded', result: JSON.stringify({ by: otherPid }) })
        const passages = await application.query(`select by_pid from passages where gate = '${gate.path}'`)
        expect(passages.map((row) => Number(row.by_pid))).toEqual(type === 'slow' ? [] : [otherPid])
      })
    }

    it('go on while the schema becomes newer, and refuse one that no longer serves them', {
      timeout: TIMEOUT_MS,
    }, async () => {
      const newer = NEWER_SCHEMA[engine.kind]
      const callers = application.startCallers(TRAFFIC)
      await callers.untilMore(50)
      // As migrating does: one release's connections, plans and transactions are open while the other changes the tables.
      await application.query(...newer.additive, newer.note('this release'))
      await callers.untilMore(50)
      const status = await application.cli('queue', 'list')
      expect(status).toMatchObject({ code: 0 })
      await application.query(newer.forget, newer.note('itself'))
      const refused = await application.cli('queue', 'list')
      expect(refused).toMatchObject({ code: 3, stderr: expect.stringContaining('Update Spillway') })
      await callers.untilMore(50)
      await application.query(newer.forget)
      await application.finish(callers)
      const { unknown } = await expectNothingLostOrDoubled(application)
      expect(unknown).toBe(0)
    })

    it('find back to a database that was killed, without losing or doubling anything', {
      timeout: TIMEOUT_MS,
    }, async () => {
      const callers = application.startCallers(TRAFFIC)
      for (let kill = 0; kill < DATABASE_KILLS; kill += 1) {
        await callers.untilMore(100)
        await server.kill()
        await server.restart()
      }
      await callers.untilMore(100)
      await application.finish(callers)
      await expectNothingLostOrDoubled(application)
      // None of them ended over it, and each of them noticed.
      for (const { name, url } of application.posts) {
        expect([name, await metric(url, FAILED_CALLS)]).toEqual([
          name,
          expect.toSatisfy((count) => count > 0),
        ])
      }
    })

    it('hand the house over when its keeper is killed', { timeout: TIMEOUT_MS }, async () => {
      const keeper = async () =>
        (await application.store.nodes.roles()).find(
          ({ role, expiresAt }) => role === 'maintenance' && expiresAt > 0,
        )
      const before = await vi.waitFor(async () => {
        const found = await keeper()
        if (found === undefined) throw new Error('nobody keeps house')
        return found
      }, PATIENCE)
      const { pid = 0 } = (await application.nodes()).find(({ id }) => id === before.nodeId) ?? {}
      await application.post(pid).program.kill()
      // Its lease ends by itself after a while; here it ends now.
      await application.query(`update ${NEWER_SCHEMA[engine.kind].roles} set expires_at = 0`)
      await vi.waitFor(async () => {
        const after = await keeper()
        expect(after?.nodeId).not.toBe(before.nodeId)
        expect(after?.token).toBeGreaterThan(before.token)
      }, PATIENCE)
    })
  })
}

/** The sum of a process's metrics of that name. */
async function metric(url: string, name: RegExp): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  const values = text
    .split('\n')
    .filter((line) => name.test(line))
    .map((line) => Number(line.slice(line.lastIndexOf(' '))))
  return values.reduce((sum, value) => sum + value, 0)
}
