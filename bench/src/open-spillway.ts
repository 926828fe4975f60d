import { createSpillway, type Role, type Spillway } from 'spillway'
import { sqlite } from 'spillway/sqlite'
import { recordWatch } from './watch-event.js'

/** Every option at its default; all roles in this process unless some are named. */
export function openSpillway(file: string, roles?: readonly Role[]): Promise<Spillway> {
  const options = roles === undefined ? { migrate: true } : { migrate: true, roles }
  return createSpillway({ store: sqlite(file), commands: [recordWatch] }, options)
}
