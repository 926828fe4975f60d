// What a range of seeds must have seen at least once. A fault that was never injected, or a state that was never reached,
// has not been tested, however green the run: the counters fail it.

export const SOMETIMES = [
  'store fails before commit',
  'store commits and fails',
  'store fails and commits later',
  'store restarts',
  'wake-up lost',
  'process crashes',
  'process crashes before a call',
  'process crashes after a call',
  'process crashes in a handler',
  'process is stopped',
  'process is cut off',
  'process shuts down',
  'receipt accepted',
  'receipt duplicate',
  'conflict',
  'outcome unknown to the client',
  'asked again after an unknown outcome',
  'definite rejection',
  'unknown append resent',
  'settled at once',
  'not settled at once',
  'settled at once and resent',
  'scheduled command',
  'lease expired and reclaimed',
  'stale settle',
  'stale extend',
  'lease given back',
  'partial progress',
  'batch with several commands',
  'chunk with several commands',
  'retry settled',
  'failed by business',
  'dead after attempts',
  'dead by worker crash',
  'isolation',
  'handler hangs',
  'handler waits for its abort',
  'handler returns too few outcomes',
  'bisect',
  'promoted',
  'promote raced',
  'promoted chunk reclaimed',
  'cancel won',
  'cancel lost',
  'cancel of a parked command',
  'redrive',
  'redrive refused',
  'queue paused',
  'pruned',
  'role taken over',
  'transaction effect',
  'sink row',
  'effect repeated',
  'asked whether it happened',
  'it had happened',
  'it had not happened',
  'nobody could say',
  'in doubt to the end',
  'waits for its counterpart',
  'counterpart answered',
  'token refused',
  'token of a command that is being polled',
  'counterpart never answered',
  'poll answered',
  'held up by its key',
  'let go',
  'dead letter discarded',
  'discard refused',
  'redrive with another payload',
  'redrive into another stage',
  'being undone',
  'undone',
  'undoing failed',
  'undoing given up',
  'step recorded',
  'step skipped',
  'step undone',
  'callback taken',
  'callback tried again',
  'callback given up',
  'shared value fails',
] as const
/** What is only reached where handlers may wait in their transactions. */
export const SOMETIMES_WITH_WAITING = [
  'handler waits in its transaction',
  'transaction lost',
  'lock wait ended',
] as const
export type Sometimes = (typeof SOMETIMES)[number] | (typeof SOMETIMES_WITH_WAITING)[number]

export type Counters = Record<Sometimes, number>

const ALL: readonly Sometimes[] = [...SOMETIMES, ...SOMETIMES_WITH_WAITING]

export function newCounters(): Counters {
  return Object.fromEntries(ALL.map((name) => [name, 0])) as Counters
}

export function addCounters(total: Counters, more: Counters): void {
  for (const name of ALL) total[name] += more[name]
}

export function neverSeen(counters: Counters, expected: readonly Sometimes[] = SOMETIMES): Sometimes[] {
  return expected.filter((name) => counters[name] === 0)
}
