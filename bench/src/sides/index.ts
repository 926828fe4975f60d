import { bulkInserts } from './bulk-inserts.js'
import type { OpenSide } from './side.js'
import { singleInserts } from './single-inserts.js'
import { spillwaySubmits } from './spillway-submits.js'

export type SideName = 'single' | 'bulk' | 'spillway'

export const SIDES: Readonly<Record<SideName, OpenSide>> = {
  single: singleInserts,
  bulk: bulkInserts,
  spillway: spillwaySubmits,
}
