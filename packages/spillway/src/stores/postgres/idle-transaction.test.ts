// A process that is paused in the middle of one of the store's own transactions, or whose network is gone, says nothing and does not
// hang up either. The server ends the transaction for it: others wait for its locks.

import { requireServer } from 'spillway-test-bed'
import { describe, expect, it, onTestFinished } from 'vitest'
import { disposing, postgresRigs } from '../../../test/support/postgres-rig.js'
import { sessionOn } from '../../../test/support/postgres-session.js'
import { newAccess } from './access.js'
import { machinePause, machineRandom } from './machine.js'
import { settingsOf } from './options.js'

requireServer(describe, 'postgres')("a transaction of the store's own that is idle for too long", () => {
  const rigs = disposing(postgresRigs())

  it('is ended by the server, and whoever waits for its locks goes on', async () => {
    const rig = await rigs()
    const { url, schema, clock } = rig
    const settings = settingsOf(url, { schema, clock, listen: false })
    const access = newAccess(settings, { pause: machinePause, random: machineRandom })
    onTestFinished(() => access.connections.close())
    await rig.store.append([rig.draft()])
    const other = await sessionOn(rig)

    const silent = access.database.transaction(async ({ query }) => {
      await query('select seq from @.chunks for update', [])
      await other.query('update chunks set priority = 1')
    })
    await expect(silent).rejects.toMatchObject({ code: 'store_unavailable' })
    expect(await rig.rows('select priority from @.chunks')).toEqual([{ priority: 1 }])
  })
})
