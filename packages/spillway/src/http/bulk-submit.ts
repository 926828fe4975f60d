// Submitting many commands of any types and getting one verdict per command, in order. Commands of one type go together; a
// stream waits for room in the queue, a single request does not and is told that there is none.

import type { Spillway, SubmitOptions, SubmitVerdict } from '../app/api.js'
import { isSpillwayError } from '../errors/index.js'
import type { BulkEntry } from './bulk-items.js'

export type BulkVerdict = SubmitVerdict | { readonly ok: false; readonly error: Error }

export interface BulkOptions {
  /** All are stored or none; only for commands of one type. */
  readonly atomic?: boolean
  /** Wait for room instead of being refused. */
  readonly paced?: boolean
}

interface Group {
  readonly type: string
  readonly payloads: unknown[]
  readonly options: (SubmitOptions | null)[]
  hasOptions: boolean
  /** Where the commands stand in the request. */
  readonly places: number[]
}

export async function submitEntries(
  spillway: Spillway,
  entries: readonly BulkEntry[],
  options: BulkOptions,
): Promise<BulkVerdict[]> {
  const verdicts: BulkVerdict[] = new Array(entries.length)
  const groups = new Map<string, Group>()
  for (const [place, entry] of entries.entries()) {
    if (entry instanceof Error) verdicts[place] = { ok: false, error: entry }
    else addTo(groups, entry.type, place, entry.payload, entry.options)
  }
  // All are offered before any is awaited: two groups share a flush.
  await Promise.all(
    Array.from(groups.values(), async (group) => {
      const answers = await submitGroup(spillway, group, options)
      for (const [index, place] of group.places.entries()) verdicts[place] = answers[index] as BulkVerdict
    }),
  )
  return verdicts
}

function addTo(
  groups: Map<string, Group>,
  type: string,
  place: number,
  payload: unknown,
  options: SubmitOptions | null,
): void {
  let group = groups.get(type)
  if (group === undefined) {
    group = { type, payloads: [], options: [], hasOptions: false, places: [] }
    groups.set(type, group)
  }
  group.payloads.push(payload)
  group.options.push(options)
  group.places.push(place)
  if (options !== null) group.hasOptions = true
}

async function submitGroup(
  spillway: Spillway,
  group: Group,
  options: BulkOptions,
): Promise<readonly BulkVerdict[]> {
  try {
    return options.paced === true && !group.hasOptions
      ? await submitPaced(spillway, group)
      : await submitNow(spillway, group, options.atomic === true)
  } catch (error) {
    // What concerns the whole group, such as a type that does not exist.
    const refused = { ok: false, error: error as Error } as const
    return group.payloads.map(() => refused)
  }
}

const NO_OPTIONS: SubmitOptions = {}

function submitNow(spillway: Spillway, group: Group, atomic: boolean): Promise<SubmitVerdict[]> {
  const { type, payloads, options, hasOptions } = group
  return spillway.submitMany(type, payloads, {
    ...(atomic ? { atomic } : {}),
    ...(hasOptions ? { each: (index: number) => options[index] ?? NO_OPTIONS } : {}),
  })
}

async function submitPaced(spillway: Spillway, { type, payloads }: Group): Promise<BulkVerdict[]> {
  const verdicts: BulkVerdict[] = new Array(payloads.length)
  await spillway.submitStream(type, payloads, {
    onVerdict: (index, verdict) => {
      verdicts[index] = verdict
    },
  })
  return verdicts
}

/** When nothing at all could be taken for want of room or store, the request as a whole is to be sent again later. */
export function refusedBySystem(verdicts: readonly BulkVerdict[]): Error | null {
  let first: Error | null = null
  for (const verdict of verdicts) {
    if (verdict.ok || !isSpillwayError(verdict.error) || verdict.error.category !== 'unavailable') return null
    first ??= verdict.error
  }
  return first
}
