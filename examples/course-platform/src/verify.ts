// Whether what landed is what was sent: every row against the input, every count against the rows that belong in it.
// It reads the platform's tables with plain SQL and asks Spillway nothing.

import type { Click } from './clicks.js'
import type { PlatformTables, ViewCount } from './storage/index.js'

export interface Verification {
  /** Rows that equal their click in every column. */
  readonly landed: number
  /** Clicks of the input without a row. */
  readonly lost: number
  /** Rows that differ from their click, or belong to none. */
  readonly wrong: number
  /** Click records counted more often, or less often, than they landed, over all courses. */
  readonly duplicateEffects: number
  readonly missingEffects: number
}

export async function verify(tables: PlatformTables, expected: readonly Click[]): Promise<Verification> {
  const input = new Map(expected.map((click) => [click.id, click]))
  const rows = new Map<string, Tally>()
  let landed = 0
  let wrong = 0
  for (const row of await tables.clicks()) {
    const click = input.get(row.id)
    if (click !== undefined && sameClick(click, row)) landed += 1
    else wrong += 1
    if (click !== undefined) input.delete(click.id)
    tally(rows, row)
  }
  return { landed, lost: input.size, wrong, ...effects(await tables.allViews(), rows) }
}

export function isFaultless(verification: Verification): boolean {
  const { lost, wrong, duplicateEffects, missingEffects } = verification
  return lost + wrong + duplicateEffects + missingEffects === 0
}

interface Tally {
  records: number
  views: number
}

function tally(rows: Map<string, Tally>, click: Click): void {
  const count = rows.get(click.course) ?? { records: 0, views: 0 }
  count.records += 1
  count.views += click.clicks
  rows.set(click.course, count)
}

/** A count whose records are right and whose views are not is one effect wrong all the same. */
function effects(
  views: readonly ViewCount[],
  rows: ReadonlyMap<string, Tally>,
): { duplicateEffects: number; missingEffects: number } {
  const counted = new Map(views.map((count) => [count.course, count]))
  let duplicateEffects = 0
  let missingEffects = 0
  for (const course of new Set([...rows.keys(), ...counted.keys()])) {
    const there = rows.get(course) ?? { records: 0, views: 0 }
    const count = counted.get(course) ?? { records: 0, views: 0 }
    const surplus = count.records - there.records || Math.sign(count.views - there.views)
    if (surplus > 0) duplicateEffects += surplus
    else missingEffects -= surplus
  }
  return { duplicateEffects, missingEffects }
}

function sameClick(a: Click, b: Click): boolean {
  return (
    a.id === b.id &&
    a.course === b.course &&
    a.student === b.student &&
    a.material === b.material &&
    a.day === b.day &&
    a.clicks === b.clicks
  )
}
