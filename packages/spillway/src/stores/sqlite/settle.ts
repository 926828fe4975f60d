// What the holder of a lease writes: outcomes, heartbeats, completion. Every write compares (chunk, token) first. A chunk
// whose commands all simply succeeded, the common case, is settled by one update.

import type { LeaseProgress, LeaseVerdict, Settlement } from '../../domain/index.js'
import type { Appender } from './append.js'
import { FINISH, prepareChunks } from './chunks.js'
import type { SqliteTx } from './client.js'
import { type HeldRow, prepareHeldChunks } from './held-chunk.js'
import type { Hints } from './hints.js'
import { prepareParked } from './parked.js'
import { type Progress, prepareProgressWriter } from './progress.js'

/** All of it inside a write transaction. */
export interface Settler {
  isHeld(lease: { readonly chunkId: string; readonly token: number }): boolean
  settle(item: Settlement, now: number, hints: Hints): LeaseVerdict
  extend(item: LeaseProgress, leaseMs: number, now: number, hints: Hints): LeaseVerdict
}

export function prepareSettler(db: SqliteTx, appender: Appender): Settler {
  const chunks = prepareChunks(db)
  const held = prepareHeldChunks(db)
  const progressWriter = prepareProgressWriter(db, prepareParked(db))
  const finishAtOnce = db.prepare(`
    ${FINISH} where id = ?2 and token = ?3 and state = 'leased' and promoted = 0 and partition is null`)
  const prolong = db.prepare(`
    update spillway_chunks set lease_expires_at = ?3 where id = ?1 and token = ?2 and state = 'leased'`)
  // A heartbeat that arrives after later ones must not blame a command that has ended for the next one's crash.
  const setCursor = db.prepare(`
    update spillway_chunks set cursor = ?2
    where seq = ?1 and (?2 is null or ?2 not in (select value from json_each(skip)))`)
  const release = db.prepare(`
    update spillway_chunks
    set state = 'ready', leased_by = null, lease_expires_at = null, cursor = null
    where seq = ?1`)

  /** Returns how many commands are still live. */
  function write(row: HeldRow, progress: Progress, complete: boolean, now: number): number {
    if (progress.updates.length === 0 && progress.finished.length === 0 && !complete) return row.live
    const chunk = held.open(row)
    progressWriter.write(chunk, progress, complete, now)
    if (!complete || row.promoted === 0) held.save(chunk, now)
    return row.size - chunk.over.size
  }

  function settleHeld(item: Settlement, now: number, hints: Hints): LeaseVerdict {
    if (item.complete && item.updates.length === 0) {
      if (Number(finishAtOnce.run(now, item.chunkId, item.token).changes) > 0) return 'ok'
    }
    const row = held.find(item)
    if (row === null) return 'stale'
    write(row, item, item.complete, now)
    if (item.complete) chunks.finish(row, now, hints)
    return 'ok'
  }

  function settle(item: Settlement, now: number, hints: Hints): LeaseVerdict {
    const verdict = settleHeld(item, now, hints)
    if (verdict === 'ok' && item.appends !== undefined) appender.follow(item.appends, now, hints)
    return verdict
  }

  function giveBack(row: HeldRow, live: number, now: number, hints: Hints): void {
    if (live === 0) {
      chunks.finish(row, now, hints)
      return
    }
    release.run(row.seq)
    hints.add(row.queue, live)
  }

  function extend(item: LeaseProgress, leaseMs: number, now: number, hints: Hints): LeaseVerdict {
    const row = held.find(item)
    if (row === null) return 'stale'
    const live = write(row, item, false, now)
    if (item.appends !== undefined) appender.follow(item.appends, now, hints)
    if (item.release === true) {
      giveBack(row, live, now, hints)
      return 'ok'
    }
    if (item.cursor !== undefined) setCursor.run(row.seq, item.cursor)
    prolong.run(item.chunkId, item.token, now + Math.trunc(leaseMs))
    return 'ok'
  }

  return { isHeld: (lease) => held.find(lease) !== null, settle, extend }
}
