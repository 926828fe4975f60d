// One run of one side: a warm-up that is not counted, then the load, then a count of what is really in the table.

import { answer, readJob } from './child.js'
import { countRows } from './database.js'
import { makeLoad } from './measure.js'
import { SIDES, type SideName } from './sides/index.js'

export interface SideJob {
  readonly side: SideName
  readonly file: string
  readonly callers: number
  readonly warmup: number
  readonly events: number
}

const { side, file, callers, warmup, events } = readJob<SideJob>()
const running = await SIDES[side](file)
await running.run(makeLoad(callers, 0, warmup))
const figures = await running.run(makeLoad(callers, warmup, events))
await running.close()
const rows = countRows(file)
if (rows !== warmup + events) throw new Error(`${side}: ${rows} of ${warmup + events} rows are in the table`)
answer(figures)
