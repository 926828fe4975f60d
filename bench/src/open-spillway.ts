import { createSpillway, type Spillway } from 'spillway'
import { sqlite } from 'spillway/sqlite'
import { recordWatch } from './watch-event.js'

/** All roles in this process, every option at its default. */
export function openSpillway(file: string): Promise<Spillway> {
  return createSpillway({ store: sqlite(file), commands: [recordWatch] }, { migrate: true })
}
