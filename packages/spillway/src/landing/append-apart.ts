// Storing chunks whose callers have their receipts already, by way of a journal or a broker. All go in one commit. A chunk that the store will
// never take is found by halving, so that it stands in nobody's way; and a store that is away, full or of another version must not make
// anybody refuse a chunk, so one that fails by itself is refused only if the store takes writes otherwise.

import type { ChunkDraft } from '../domain/index.js'
import { errorCode, isSpillwayError } from '../errors/index.js'
import type { AppendOptions, AppendResult, Store } from '../ports/index.js'

/** What became of one chunk. `left`: whether the store has it is not known, so it has to be sent again as it is. */
export type Fate =
  | { readonly status: 'stored'; readonly result: AppendResult }
  | { readonly status: 'refused'; readonly reason: string }
  | { readonly status: 'left'; readonly error: unknown }

type Appender = Pick<Store, 'append' | 'probe'>

/** Never rejects; one answer per draft. In order: behind the first that is left all are. */
export async function appendApart(
  store: Appender,
  drafts: readonly ChunkDraft[],
  options: AppendOptions<never>,
): Promise<readonly Fate[]> {
  try {
    const results = await store.append(drafts, options)
    return drafts.map((_, at) => ({ status: 'stored', result: results[at] as AppendResult }))
  } catch (error) {
    if (!mayBeTheirFault(error)) return drafts.map(() => ({ status: 'left', error }))
    if (drafts.length > 1) return appendHalves(store, drafts, options)
    return drafts.length === 0 ? [] : [await judged(store, error)]
  }
}

async function appendHalves(
  store: Appender,
  drafts: readonly ChunkDraft[],
  options: AppendOptions<never>,
): Promise<readonly Fate[]> {
  const middle = Math.ceil(drafts.length / 2)
  const first = await appendApart(store, drafts.slice(0, middle), options)
  const rest = drafts.slice(middle)
  const left = first.find(({ status }) => status === 'left')
  return [...first, ...(left === undefined ? await appendApart(store, rest, options) : rest.map(() => left))]
}

async function judged(store: Appender, error: unknown): Promise<Fate> {
  try {
    await store.probe()
    // By its code alone: what a database says may quote what it was given.
    return { status: 'refused', reason: `the store refuses it (${errorCode(error)})` }
  } catch {
    return { status: 'left', error }
  }
}

function mayBeTheirFault(error: unknown): boolean {
  return !isSpillwayError(error) || (!error.retryable && error.category !== 'incompatible')
}
