// A verb on commands that are named, one verdict each, or on all that a filter finds, which is an operation.

import type { OperationAction } from '../app/operator-api.js'
import type { ControlVerdict, ListRequest } from '../ports/index.js'
import type { Invocation, Session } from './command.js'
import { EXIT, type ExitCode } from './exit-codes.js'
import { filterArgs, fingerprintArg } from './list-args.js'
import { runOperation } from './operation-run.js'
import { targetArgs } from './shared-args.js'
import { withTarget } from './target/open-target.js'
import type { Operator } from './target/operator.js'
import type { Target } from './target/target.js'
import { usageError } from './usage-error.js'
import { exitCodeOfVerdicts, type VerdictRow, verdictRows, writeVerdicts } from './verdict-rows.js'

export const reasonArg = { type: 'string', valueHint: 'text', description: 'Why, for the audit' } as const

export const verbArgs = {
  ...filterArgs,
  fingerprint: fingerprintArg,
  reason: reasonArg,
  'dry-run': { type: 'boolean', description: 'Only show which ones, or how many' },
  yes: { type: 'boolean', description: 'Do not ask' },
  ...targetArgs,
} as const

/** What is meant: commands by their ids, or all that the filter finds. */
export interface VerbRun {
  readonly ids: readonly string[]
  readonly filter: Omit<ListRequest, 'limit' | 'after'>
  readonly action: OperationAction
  /** The state it leads to, as a verdict. */
  readonly done: string
  readonly onIds: (operator: Operator, ids: readonly string[]) => Promise<readonly ControlVerdict[]>
}

export async function runVerb(
  invocation: Pick<Invocation<typeof verbArgs>, 'values'> & Session,
  run: VerbRun,
): Promise<ExitCode> {
  const { values } = invocation
  const { ids, filter, action } = run
  if (ids.length > 0 && Object.keys(filter).length > 0)
    throw usageError('Give either ids, or what the commands have in common.')
  const json = values.json === true
  const dryRun = values['dry-run'] === true
  return await withTarget(invocation, values, (target) => {
    if (ids.length > 0)
      return dryRun ? showStates(invocation, target, ids, json) : applyTo(invocation, target, run, json)
    const reason = values.reason === undefined ? {} : { reason: values.reason }
    const request = { action, filter, ...reason }
    return runOperation(invocation, target, values, { request, dryRun, yes: values.yes === true, json })
  })
}

async function applyTo(
  { terminal }: Session,
  { operator }: Target,
  { ids, done, onIds }: VerbRun,
  json: boolean,
): Promise<ExitCode> {
  const verdicts = await onIds(operator, ids)
  writeVerdicts(terminal.out, verdictRows(ids, verdicts, done), json)
  return exitCodeOfVerdicts(verdicts)
}

async function showStates(
  { terminal }: Session,
  target: Target,
  ids: readonly string[],
  json: boolean,
): Promise<ExitCode> {
  const rows: VerdictRow[] = []
  for (const id of ids) rows.push({ id, verdict: `is ${(await target.get(id)).state}` })
  writeVerdicts(terminal.out, rows, json)
  return EXIT.ok
}
