// All migrations, oldest first. One that was released never changes: what comes later is a new one.

import type { Migration } from '../../../ports/index.js'
import { foundation } from './0001-foundation.js'
import { nodes } from './0002-nodes.js'
import { loneChunks } from './0003-lone-chunks.js'
import { stages } from './0004-stages.js'

export const MIGRATIONS: readonly Migration[] = [foundation, nodes, loneChunks, stages]
