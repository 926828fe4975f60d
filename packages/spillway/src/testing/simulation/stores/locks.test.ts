// A call that waits for a lock of a handler's transaction would wait for as long as the world stands still, so the world ends it:
// the call that waits, and no other, whoever else watches the server's locks.

import {
  type Databases,
  openSession,
  requireServer,
  type Session,
  sharedMariaDb,
  sharedPostgres,
} from 'spillway-test-bed'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mysqlStores } from './mysql.js'
import { postgresStores } from './postgres.js'
import type { Locks, SimulatedStores } from './simulated-store.js'

describeLocks('postgres', {
  databases: sharedPostgres,
  storesAt: postgresStores,
  waits: "select pid from pg_stat_activity where wait_event_type = 'Lock'",
})
describeLocks('mariadb', {
  databases: sharedMariaDb,
  storesAt: mysqlStores,
  waits: "select trx_id from information_schema.innodb_trx where trx_state = 'LOCK WAIT'",
})

interface Server {
  readonly databases: () => Promise<Databases>
  readonly storesAt: (url: string) => Promise<SimulatedStores>
  /** How others would look for waits. */
  readonly waits: string
}

function describeLocks(kind: 'postgres' | 'mariadb', server: Server): void {
  requireServer(describe, kind)(`a wait for a lock on ${kind}`, () => {
    let scene: Scene
    beforeAll(async () => {
      scene = await openScene(server)
    })
    afterAll(() => scene.close())

    it('is ended while others look for waits all the time, and what comes next is left alone', async () => {
      const { holder, waiter, locks } = scene
      const watch = watching(scene.other, server.waits)
      try {
        for (let time = 0; time < 5; time += 1) {
          await holder.query('begin')
          await holder.query('select n from held for update')
          const waiting = waiter.query('select n from held for update').then(
            () => 'had it',
            () => 'ended',
          )
          while ((await locks.endWaits()) === 0);
          expect(await waiting).toBe('ended')
          const next = waiter.query('select 1 as one')
          expect(await locks.endWaits()).toBe(0)
          expect(await next).toEqual([{ one: 1 }])
          await holder.query('commit')
        }
      } finally {
        await watch.end()
      }
    })
  })
}

interface Scene {
  readonly holder: Session
  readonly waiter: Session
  readonly other: Session
  readonly locks: Locks
  close(): Promise<void>
}

async function openScene({ databases, storesAt }: Server): Promise<Scene> {
  const database = await (await databases()).createDatabase()
  const stores = await storesAt(database.url)
  const { locks, dispose } = await stores.make({ now: () => 0 }, [])
  if (locks === undefined) throw new Error('a store on a server says who waits for locks')
  const holder = await openSession(database.url)
  const waiter = await openSession(database.url)
  const other = await openSession(database.url)
  await holder.query('create table held (n integer primary key)')
  await holder.query('insert into held values (1)')
  return {
    ...{ holder, waiter, other, locks },
    async close() {
      await dispose()
      await Promise.all([holder, waiter, other].map((session) => session.close()))
      await stores.close()
      await database.drop()
    },
  }
}

/** Asks again and again until told to end. */
function watching(session: Session, sql: string): { end(): Promise<void> } {
  let isOver = false
  const watched = (async () => {
    while (!isOver) await session.query(sql)
  })()
  return {
    end() {
      isOver = true
      return watched
    },
  }
}
