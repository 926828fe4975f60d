// One way of getting events into the table, opened on a file of its own in a process of its own.

import type { Load, SideFigures } from '../measure.js'

export interface RunningSide {
  run(load: Load): Promise<SideFigures>
  close(): Promise<void>
}

export type OpenSide = (file: string) => Promise<RunningSide>
