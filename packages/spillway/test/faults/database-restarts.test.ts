// The database is killed in the middle of the load and comes back, several times; then the network cuts every connection,
// several times. What was acknowledged is there, and took effect once (I1, I6).

import { type MariaDbServer, type PostgresServer, requireServer } from 'spillway-test-bed'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { expectBalance } from './doubtful-calls.js'
import { ENGINES } from './engines.js'
import { faultRig } from './fault-rig.js'
import { type Load, startLoad } from './load.js'

const LOAD = { producers: 4, chunksEach: 40, chunkCommands: 5, workers: 2 }
const COMMANDS = LOAD.producers * LOAD.chunksEach * LOAD.chunkCommands
const FAULTS = 3
const PATIENCE_MS = 20_000

for (const engine of ENGINES) {
  requireServer(describe, engine.kind, { isPrivate: true })(`under load, ${engine.kind}`, () => {
    let server: PostgresServer | MariaDbServer
    beforeAll(async () => {
      server = await engine.start()
    })
    afterAll(() => server.stop())

    const faults = {
      'is killed and restarted': async () => {
        await server.kill()
        await server.restart()
      },
      'is restarted in order': () => server.restart(),
    }
    for (const [name, fault] of Object.entries(faults)) {
      it(`${name}, and nothing is lost or done twice`, { timeout: 120_000 }, async () => {
        const rig = await faultRig(engine, server)
        const load = startLoad(rig, LOAD)
        await faultsDuring(load, fault)
        await load.done
        expect(load.failures).toBeGreaterThanOrEqual(FAULTS)
        expect(load.acknowledged).toHaveLength(COMMANDS)
        expect(new Set(await rig.countEffects(load.acknowledged))).toEqual(new Set([1]))
        await expectBalance(rig)
      })
    }

    it('loses all its connections, and nothing is lost or done twice', { timeout: 120_000 }, async () => {
      const rig = await faultRig(engine, server)
      const load = startLoad(rig, LOAD)
      await faultsDuring(load, async () => rig.proxy.cutAll())
      await load.done
      expect(load.failures).toBeGreaterThanOrEqual(1)
      expect(new Set(await rig.countEffects(load.acknowledged))).toEqual(new Set([1]))
      await expectBalance(rig)
    })
  })
}

/** One fault after the other, each once the load has come further. */
async function faultsDuring(load: Load, fault: () => Promise<void>): Promise<void> {
  for (let n = 1; n <= FAULTS; n += 1) {
    const target = (COMMANDS * n) / (FAULTS + 2)
    await vi.waitFor(() => expect(load.acknowledged.length).toBeGreaterThan(target), {
      ...{ timeout: PATIENCE_MS, interval: 1 },
    })
    await fault()
  }
}
