// Commands that harm whoever works on them, with real processes on every store that processes can share: each ends as it should, and
// takes no other command with it (I9, I18; crashes, handlers that never return or block, payloads of another release).

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { requireServer } from 'spillway-test-bed'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { CRASHES_BEFORE_ISOLATION } from '../../src/domain/index.js'
import type { Store } from '../../src/ports/index.js'
import { sqlite } from '../../src/stores/sqlite/index.js'
import { ENGINES } from './engines.js'
import { Deployment } from './processes/deployment.js'
import { PATIENCE } from './processes/patience.js'

const WORKERS = 2
/** The default. */
const ATTEMPTS = 5
const TIMEOUT_MS = 120_000

interface Place {
  readonly url: string
  // biome-ignore lint/suspicious/noExplicitAny: the transaction is each store's own
  readonly store: Store<any>
  readonly leave: () => Promise<void>
}

for (const engine of ENGINES) {
  requireServer(describe, engine.kind, { isPrivate: true })(`on ${engine.kind}`, () =>
    harmfulCommands(async () => {
      const server = await engine.start()
      const { url } = await server.createDatabase()
      return { url, store: engine.makeStore(url), leave: () => server.stop() }
    }),
  )
}

describe('on sqlite', () =>
  harmfulCommands(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'spillway-isolation-'))
    const url = join(folder, 'spillway.db')
    return { url, store: sqlite(url), leave: () => rm(folder, { recursive: true, force: true }) }
  }))

function harmfulCommands(find: () => Promise<Place>): void {
  let place: Place
  let deployment: Deployment
  beforeAll(async () => {
    place = await find()
    await place.store.schema.migrate()
    await place.store.open()
    deployment = await Deployment.start(place.url, place.store, WORKERS)
  }, TIMEOUT_MS)
  afterAll(async () => {
    await deployment?.end()
    await place?.store.close()
    await place?.leave()
  })

  it('one that no longer fits its schema goes to the dead letters in the words of the schema', {
    timeout: TIMEOUT_MS,
  }, async () => {
    // Stored payloads are checked before the handler, or once it has failed: at first by a worker that cannot be sure of the schema.
    for (const [type, attemptsMax] of [
      ['parcel', 1],
      ['packet', ATTEMPTS],
    ] as const) {
      const payloads = [{ id: 'old' }, { id: 'odd', address: 7 }, { id: 'new', address: 'here' }]
      const [old, odd, fitting] = await deployment.ended(await deployment.submit(type, payloads))
      for (const view of [old, odd]) {
        expect(view).toMatchObject({
          ...{ state: 'dead', attempts: expect.toSatisfy((attempts) => attempts <= attemptsMax) },
          error: { code: 'invalid_payload', message: expect.stringContaining('address') },
        })
      }
      expect(fitting).toMatchObject({ state: 'succeeded', attempts: 1 })
    }
  })

  it('one that never returns gives its slot back, and is run again', { timeout: TIMEOUT_MS }, async () => {
    const ids = await deployment.submit('hung', [{ id: '1' }, { id: '2' }, { id: '3' }])
    for (const view of await deployment.ended(ids))
      expect(view).toMatchObject({ state: 'succeeded', attempts: 2, result: '{"attempt":2}' })
    expect(deployment.deaths).toBe(0)
  })

  it('one that blocks its process past the lease is fenced and reported', {
    timeout: TIMEOUT_MS,
  }, async () => {
    const ids = await deployment.submit('blocking', [{ id: 'blocks' }])
    expect(await deployment.ended(ids)).toMatchObject([
      { state: 'succeeded', attempts: 2, result: '{"attempt":2}' },
    ])
    // Somebody else may have done it before whoever is blocked comes back.
    await vi.waitFor(async () => {
      // A machine that is busy blocks others as well.
      expect(await deployment.metric('spillway_event_loop_blocked_seconds_count')).toBeGreaterThan(0)
      expect(await deployment.metric('spillway_lease_lost_total{queue="blocking"')).toBeGreaterThan(0)
      expect(deployment.log).toContain('"event":"event_loop.blocked"')
    }, PATIENCE)
    expect(deployment.deaths).toBe(0)
  })

  it('one that kills its workers ends as dead; its neighbours succeed', { timeout: TIMEOUT_MS }, async () => {
    const payloads = Array.from({ length: 5 }, (_, n) => ({ id: `${n}`, isPoison: n === 2 }))
    const ids = await deployment.submit('poisonous', payloads)
    const views = await deployment.ended(ids)
    expect(views.map(({ state }) => state)).toEqual(
      payloads.map(({ isPoison }) => (isPoison ? 'dead' : 'succeeded')),
    )
    expect(views[2]?.error?.code).toBe('worker_crash')
    expect(deployment.deaths).toBe(CRASHES_BEFORE_ISOLATION + 1)
  })
}
