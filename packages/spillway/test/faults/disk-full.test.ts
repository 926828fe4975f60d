// The disk of the tables fills up (I20): from then on nothing is acknowledged, what was acknowledged stays, and when there is
// room again the same store takes more. PostgreSQL's tables are on a small disk that is really full; MariaDB, which ends itself on
// such a disk, has a file of tables that may not grow, which it reports in the same words. The log of changes has room.

import { randomBytes } from 'node:crypto'
import { openSession, requireServer } from 'spillway-test-bed'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { ChunkDraft } from '../../src/domain/index.js'
import { isSpillwayError } from '../../src/errors/index.js'
import { ENGINES } from './engines.js'
import { type FaultRig, faultRig, idsOf } from './fault-rig.js'

const DISK_BYTES = 48 * 1024 * 1024
const PAYLOAD_CHARACTERS = 400_000
const INCOMPRESSIBLE = randomBytes(1_000_000).toString('base64')
const ROOM_WITHIN_MS = 60_000
const TIMEOUT_MS = 180_000
const APPENDS_MAX = 500

for (const engine of ENGINES) {
  requireServer(describe, engine.kind, { isPrivate: true, smallDisk: true })(
    `a full disk of ${engine.kind}`,
    () => {
      it('takes nothing, loses nothing, and goes on when there is room', {
        timeout: TIMEOUT_MS,
      }, async () => {
        const server = await engine.start({ smallDiskBytes: DISK_BYTES })
        onTestFinished(() => server.stop())
        const database = await server.createSmallDatabase()
        await using admin = await openSession(database.url)
        await admin.query('create table ballast (text varchar(1500))')
        await admin.query("insert into ballast values (repeat('x', 1500))")
        for (let doublings = 0; doublings < 12; doublings += 1)
          await admin.query('insert into ballast select text from ballast')
        const rig = await faultRig(engine, server, { database })

        const { kept, refused } = await appendUntilFull(rig)
        expect(kept.length).toBeGreaterThan(0)
        await expectStored(rig, kept)
        expect(await rig.truth.reader.get(idsOf(refused))).toEqual([null])

        await admin.query('drop table ballast')
        // The room of what was dropped is not there at once.
        await vi.waitFor(
          async () => expect(await rig.store.append([refused])).toMatchObject([{ verdicts: null }]),
          ROOM_WITHIN_MS,
        )
        await expectStored(rig, [...kept, refused])
      })
    },
  )
}

async function appendUntilFull(rig: FaultRig): Promise<{ kept: ChunkDraft[]; refused: ChunkDraft }> {
  const kept: ChunkDraft[] = []
  for (let n = 0; n < APPENDS_MAX; n += 1) {
    const draft = rig.draft('main', [payload(n)])
    try {
      await rig.store.append([draft])
      kept.push(draft)
    } catch (error) {
      expect(isSpillwayError(error, 'store_unavailable') && error.details.reason).toBe('full')
      return { kept, refused: draft }
    }
  }
  throw new Error('the disk never filled up')
}

/** Another piece each time of a text that no database can make smaller. */
function payload(n: number): string {
  const start = (n * 10_007) % (INCOMPRESSIBLE.length - PAYLOAD_CHARACTERS)
  return INCOMPRESSIBLE.slice(start, start + PAYLOAD_CHARACTERS)
}

async function expectStored(rig: FaultRig, drafts: readonly ChunkDraft[]): Promise<void> {
  const views = await rig.truth.reader.get(drafts.flatMap(idsOf), { payload: true })
  expect(views.map((view) => [view?.state, view?.payload])).toEqual(
    drafts.map(({ body }) => ['accepted', body.slice(1, -1)]),
  )
  expect((await rig.truth.reader.accounting()).accepted).toBe(drafts.length)
}
