// The connection is cut at every stage of every call that writes, in both directions. Whoever called does not know whether it
// took effect, sends the same again, and finds nothing doubled and nothing lost (I1, I3, I5, I6).

import { inspect } from 'node:util'
import { type MariaDbServer, type PostgresServer, requireServer } from 'spillway-test-bed'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SpillwayError } from '../../src/errors/index.js'
import type { CutKind, Direction } from '../../src/testing/index.js'
import { cutPoints } from './cut-points.js'
import { CALL_KINDS, type CallKind, type DoubtfulCall, persist } from './doubtful-calls.js'
import { ENGINES } from './engines.js'
import { type FaultRig, faultRig } from './fault-rig.js'

const HOW: readonly CutKind[] = ['reset', 'end']
const DIRECTIONS: readonly Direction[] = ['toServer', 'toClient']
/** Calls differ by a few bytes, so that a cut near the end of one may come too late for another. */
const MISSED_CUTS_MAX = 4
/** A store may first have to find out that its old connection is gone. */
const ATTEMPTS_MAX = 3
const CLEAN_CALLS = 4

/** Whether the store's connection is there before the call, or is made by it. */
type Start = 'connected' | 'new connection'

for (const engine of ENGINES) {
  requireServer(describe, engine.kind, { isPrivate: true })(
    `a connection to ${engine.kind} that is cut`,
    () => {
      let server: PostgresServer | MariaDbServer
      beforeAll(async () => {
        server = await engine.start()
      })
      afterAll(() => server.stop())

      for (const kind of CALL_KINDS) {
        it(`during ${kind.name}: resent, it is done once`, { timeout: 120_000 }, async () => {
          const rig = await faultRig(engine, server, { connections: 1 })
          await cutEverywhere(rig, kind, 'connected')
        })
      }

      it('while it is being made, and the first append is sent', { timeout: 120_000 }, async () => {
        const rig = await faultRig(engine, server, { connections: 1 })
        await cutEverywhere(rig, CALL_KINDS[0] as CallKind, 'new connection')
      })
    },
  )
}

async function cutEverywhere(rig: FaultRig, kind: CallKind, start: Start): Promise<void> {
  const next = newCalls(rig, kind, start)
  const bytes = await bytesOfCleanCalls(rig, next)
  for (const direction of DIRECTIONS) {
    const points = cutPoints(bytes[direction])
    let cuts = 0
    for (const [n, point] of points.entries()) {
      const doubtful = await next()
      let isCut = false
      void rig.proxy.cutAfter(direction, point, HOW[n % HOW.length]).then(() => {
        isCut = true
      })
      for (let attempt = 1; attempt <= ATTEMPTS_MAX && !isCut; attempt += 1) {
        if (await succeeds(doubtful.call(rig.store))) break
      }
      cuts += isCut ? 1 : 0
      rig.proxy.reset()
      await doubtful.resolve()
    }
    expect(cuts).toBeGreaterThanOrEqual(points.length - MISSED_CUTS_MAX)
  }
}

/** Calls that are ready to be made, each on a queue of its own. */
function newCalls(rig: FaultRig, kind: CallKind, start: Start): () => Promise<DoubtfulCall> {
  let queues = 0
  return async () => {
    queues += 1
    const call = await kind.prepare(rig, `q${queues}`)
    await begin(rig, kind, start, `q${queues}.before`)
    return call
  }
}

/** What a call needs each way. Some send a wake-up besides, so the smallest of a few counts. */
async function bytesOfCleanCalls(
  rig: FaultRig,
  next: () => Promise<DoubtfulCall>,
): Promise<Record<Direction, number>> {
  let bytes = { toServer: Number.POSITIVE_INFINITY, toClient: Number.POSITIVE_INFINITY }
  for (let n = 0; n < CLEAN_CALLS; n += 1) {
    const clean = await next()
    rig.proxy.reset()
    await persist(() => clean.call(rig.store))
    const { toServer, toClient } = rig.proxy.traffic
    bytes = { toServer: Math.min(bytes.toServer, toServer), toClient: Math.min(bytes.toClient, toClient) }
    await clean.resolve()
  }
  return bytes
}

/** Makes sure of the connection that the next call will use, by the same call about something else. */
async function begin(rig: FaultRig, kind: CallKind, start: Start, queue: string): Promise<void> {
  const before = await kind.prepare(rig, queue)
  await persist(() => before.call(rig.store))
  if (start === 'new connection') rig.proxy.cutAll()
}

/** If not, the caller is told that it may try again. Never a raw error, never the password. */
async function succeeds(call: Promise<unknown>): Promise<boolean> {
  try {
    await call
    return true
  } catch (error) {
    expect(error).toBeInstanceOf(SpillwayError)
    expect(error).toMatchObject({ code: 'store_unavailable', retryable: true })
    expect(inspect(error)).not.toContain('secret')
    return false
  }
}
