// What the functions of a command type have around them in one incarnation of a process, and how they take it down with them.

import type { Stage } from '../../domain/index.js'
import type { Counterpart } from './counterpart.js'
import type { Dice } from './dice.js'
import type { Life } from './life.js'
import type { Recording } from './recording.js'

export interface Scene {
  readonly life: Life
  readonly recording: Recording
  readonly transactions: Transactions
  readonly counterpart: Counterpart
  readonly dice: Dice
  /** What this process does with the command: a handler is also called to find out how its steps are undone. */
  readonly stageOf: (id: string) => Stage
}

/** How handlers write in the settlement's transaction. */
export interface Transactions {
  /** Whether such a handler may wait in it, or has to be done before it returns. */
  readonly areAsync: boolean
  insert(tx: unknown, table: string, row: Readonly<Record<string, string>>): void | Promise<void>
}

export function die({ life, recording }: Pick<Scene, 'life' | 'recording'>): Promise<never> {
  recording.incident(life.process, 'crash in a handler')
  return life.crash()
}
