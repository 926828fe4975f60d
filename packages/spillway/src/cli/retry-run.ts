// Sending commands round again: some by their ids, or all that a filter finds. What the filter finds is counted and shown
// before anything is done.

import { PAGE_ROWS_MAX } from '../domain/index.js'
import type { ControlVerdict, ListRequest } from '../ports/index.js'
import type { Invocation, Session } from './command.js'
import { commandPages } from './command-rows.js'
import { confirm } from './confirm.js'
import { EXIT, type ExitCode } from './exit-codes.js'
import { Interrupted } from './interruption.js'
import { filterArgs } from './list-args.js'
import { jsonLine } from './printable.js'
import { targetArgs } from './shared-args.js'
import { withTarget } from './target/open-target.js'
import type { Target } from './target/target.js'
import { exitCodeOfVerdicts, type VerdictRow, verdictRows, writeVerdicts } from './verdict-rows.js'

/** Commands of one run; the next run goes on. Bounds the memory of their ids. */
const RETRY_COMMANDS_MAX = 100_000

export const retryArgs = {
  ...filterArgs,
  'dry-run': { type: 'boolean', description: 'Only show which ones' },
  yes: { type: 'boolean', description: 'Do not ask' },
  ...targetArgs,
} as const

type Filter = Omit<ListRequest, 'limit' | 'after'>

interface RetryOptions {
  readonly json: boolean
  readonly dryRun: boolean
  readonly yes: boolean
}

/** What is meant: commands by their ids, or all that the filter finds. */
export interface RetryRun {
  readonly ids: readonly string[]
  readonly filter: Filter
}

export async function runRetry(
  invocation: Pick<Invocation<typeof retryArgs>, 'values'> & Session,
  { ids, filter }: RetryRun,
): Promise<ExitCode> {
  const { values } = invocation
  const options: RetryOptions = {
    json: values.json === true,
    dryRun: values['dry-run'] === true,
    yes: values.yes === true,
  }
  return await withTarget(invocation, values, (target) =>
    ids.length > 0
      ? retryIds(invocation, target, ids, options)
      : retryMatching(invocation, target, filter, options),
  )
}

async function retryIds(
  { terminal }: Session,
  target: Target,
  ids: readonly string[],
  { json, dryRun }: RetryOptions,
): Promise<ExitCode> {
  if (dryRun) {
    const rows: VerdictRow[] = []
    for (const id of ids) rows.push({ id, verdict: `is ${(await target.get(id)).state}` })
    writeVerdicts(terminal.out, rows, json)
    return EXIT.ok
  }
  const verdicts = await target.retry(ids)
  writeVerdicts(terminal.out, verdictRows(ids, verdicts, 'retrying'), json)
  return exitCodeOfVerdicts(verdicts)
}

async function retryMatching(
  session: Session,
  target: Target,
  filter: Filter,
  { json, dryRun, yes }: RetryOptions,
): Promise<ExitCode> {
  const { terminal } = session
  const ids = await matchingIds(session, target, filter)
  const found = `${ids.length} ${filter.state ?? ''} command${ids.length === 1 ? '' : 's'}`
  if (dryRun || ids.length === 0) {
    for (const id of dryRun ? ids : []) terminal.out.line(json ? jsonLine({ id }) : id)
    terminal.messages.line(dryRun ? `${found} would run again. Nothing was changed.` : 'No such commands.')
    return EXIT.ok
  }
  if (!yes && !(await confirm(session, `This runs ${found} of ${target.name} again`))) {
    terminal.messages.line('Nothing was done.')
    return EXIT.ok
  }
  const verdicts = await retryInSlices(session, target, ids)
  const retried = verdicts.filter((verdict) => verdict === 'ok').length
  if (json) terminal.out.line(jsonLine({ found: ids.length, retried }))
  else terminal.out.line(`${retried} of ${ids.length} run again`)
  // A command that somebody else retried or cancelled meanwhile is not this run's failure.
  return EXIT.ok
}

async function matchingIds(
  { interruption, terminal }: Session,
  target: Target,
  filter: Filter,
): Promise<string[]> {
  const ids: string[] = []
  for await (const { items } of commandPages(target, {
    filter,
    limit: RETRY_COMMANDS_MAX,
    cursor: undefined,
  })) {
    if (interruption.signal.aborted) throw new Interrupted()
    ids.push(...items.map(({ id }) => id))
    terminal.progress(`${ids.length} found`)
  }
  return ids
}

async function retryInSlices(
  { interruption, terminal }: Session,
  target: Target,
  ids: readonly string[],
): Promise<ControlVerdict[]> {
  const verdicts: ControlVerdict[] = []
  for (let start = 0; start < ids.length && !interruption.signal.aborted; start += PAGE_ROWS_MAX) {
    verdicts.push(...(await target.retry(ids.slice(start, start + PAGE_ROWS_MAX))))
    terminal.progress(`${verdicts.length} of ${ids.length}`)
  }
  return verdicts
}
