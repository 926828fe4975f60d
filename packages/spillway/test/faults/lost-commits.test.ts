// A transaction that the handler thinks is committed, and that is not: the server gave it up and answers COMMIT with
// ROLLBACK, or the handler ended it itself. Nothing may be reported as done (porsager/postgres#1217).

import { type MariaDbServer, type PostgresServer, requireServer } from 'spillway-test-bed'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Lease } from '../../src/domain/index.js'
import type { SettleScope } from '../../src/ports/index.js'
import { completed } from './doubtful-calls.js'
import { ENGINES, type HandlerTx } from './engines.js'
import { type FaultRig, faultRig, idsOf } from './fault-rig.js'

for (const engine of ENGINES) {
  requireServer(describe, engine.kind, { isPrivate: true })(`a transaction of ${engine.kind}`, () => {
    let server: PostgresServer | MariaDbServer
    beforeAll(async () => {
      server = await engine.start()
    })
    afterAll(() => server.stop())

    for (const settles of ['everything', 'nothing'] as const) {
      it(`that the server gave up without the handler minding, settling ${settles}, is not reported as done`, async () => {
        const rig = await faultRig(engine, server)
        const { lease, ids } = await leased(rig)
        const call = rig.store.settleWithin([lease], async (scope: SettleScope<HandlerTx>) => {
          await scope.write(rig.effectsOf(ids))
          await engine.loseTransaction(scope.tx)
          return settles === 'everything' ? [completed(lease)] : []
        })
        await expect(call).rejects.toThrow(/\S/)
        expect(await rig.countEffects(ids)).toEqual(ids.map(() => 0))
        await expectStillLeased(rig, lease)
      })
    }

    for (const ending of ['commit', 'rollback']) {
      it(`in which a handler says ${ending} is refused, and settles nothing`, async () => {
        const rig = await faultRig(engine, server)
        const { lease } = await leased(rig)
        const call = rig.store.settleWithin([lease], async ({ tx }: SettleScope<HandlerTx>) => {
          await tx.query(ending)
          return [completed(lease)]
        })
        await expect(call).rejects.toThrow(/\S/)
        await expectStillLeased(rig, lease)
      })
    }

    it('is out of the handler’s reach when it is over', async () => {
      const rig = await faultRig(engine, server, { connections: 1 })
      const { lease, ids } = await leased(rig)
      let kept: HandlerTx | undefined
      await rig.store.settleWithin([lease], async ({ tx }: SettleScope<HandlerTx>) => {
        kept = tx
        return [completed(lease)]
      })
      const late = (async () => kept?.query(`insert into effects values ('late', '${ids[0]}')`))()
      await expect(late).rejects.toThrow(/\S/)
      const next = await leased(rig)
      await rig.store.settleWithin([next.lease], async () => [completed(next.lease)])
      expect(await rig.countEffects(ids.slice(0, 1))).toEqual([0])
    })
  })
}

async function leased(rig: FaultRig): Promise<{ lease: Lease; ids: readonly string[] }> {
  const draft = rig.draft('main', [0, 1])
  await rig.truth.append([draft])
  const [lease] = await rig.claim('main')
  if (lease === undefined) throw new Error('nothing to claim')
  return { lease, ids: idsOf(draft) }
}

/** Under the same token, by a connection that knows nothing of what happened. */
async function expectStillLeased(rig: FaultRig, lease: Lease): Promise<void> {
  expect(await rig.truth.settle([completed(lease)])).toEqual(['ok'])
}
