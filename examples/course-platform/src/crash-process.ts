// The two halves of the platform as processes of their own, for the crash demo: one takes clicks, one writes them.
// Arguments: intake | worker, clicks, callers, ack file.

import { once } from 'node:events'
import { openAckLog, readAcks } from './ack-log.js'

import { openPlatform, type Platform } from './platform.js'
import { readClicks } from './real-clicks.js'
import { replay } from './replay.js'
import { ownSite } from './site.js'

/** What an intake process says when it is through. */
export interface IntakeReport {
  /** Clicks that were sent again after a kill and turned out to be stored already. */
  readonly duplicates: number
}

const [role, clickCount, callers, ackFile] = process.argv.slice(2) as [
  'intake' | 'worker',
  string,
  string,
  string,
]

/** Sends what has no answer yet, as the students' browsers would after a lost connection. */
async function intake({ spillway, command }: Platform): Promise<IntakeReport> {
  const answered = readAcks(ackFile)
  const clicks = readClicks(Number(clickCount))
  const indexes = new Map(clicks.map((click, index) => [click.id, index]))
  const acks = openAckLog(ackFile)
  const { duplicates } = await replay(
    clicks.filter((_, index) => !answered.has(index)),
    { callers: Number(callers) },
    async (click) => {
      const { status } = await spillway.submit(command, click)
      acks.add(indexes.get(click.id) as number)
      return status
    },
  )
  acks.close()
  return { duplicates }
}

const platform = await openPlatform(ownSite().database, {
  roles: role === 'intake' ? ['intake'] : ['worker', 'maintenance'],
})
if (role === 'intake') process.send?.(await intake(platform))
else if (process.connected) await once(process, 'disconnect')
await platform.close()
if (process.connected) process.disconnect()
