// From outcomes to what is written about the commands. All decisions are domain/decide's; here they get their clock, their
// chance and their words for telemetry.

import type { AnyCommand } from '../config/index.js'
import { type CommandUpdate, type Decision, decide, type Outcome } from '../domain/index.js'
import type { Clock, ExecutableCommand, ExecutionReport, Random, Telemetry } from '../ports/index.js'
import { Tally } from './tally.js'
import type { Outcomes } from './trial.js'

export interface ReportContext {
  readonly clock: Pick<Clock, 'now'>
  readonly random: Random
  readonly telemetry: Telemetry
}

/** One entry per command; `outcomes` null = all succeeded without a value. */
export function reportOf(
  context: ReportContext,
  definition: AnyCommand,
  commands: readonly ExecutableCommand[],
  outcomes: Outcomes | null,
): ExecutionReport {
  const now = context.clock.now()
  const report = new Array<CommandUpdate | null>(commands.length).fill(null)
  const tally = new Tally(definition, now)
  if (outcomes === null) tally.allSucceeded(commands)
  else {
    for (const [at, command] of commands.entries()) {
      const outcome = outcomes[at] ?? null
      if (outcome === null) {
        tally.succeeded(command)
        continue
      }
      const update = updateOf(context, definition, command, outcome, now)
      report[at] = update
      tally.decided(command, update)
    }
  }
  tally.record(context.telemetry)
  return report
}

function updateOf(
  { random }: ReportContext,
  { retry: policy }: AnyCommand,
  { index, attempt, acceptedAt }: ExecutableCommand,
  outcome: Outcome,
  now: number,
): CommandUpdate {
  const decision = decide({ outcome, attempt, policy, acceptedAt, now, random: random() })
  return { index, attempts: attempt, ...written(decision) }
}

function written(decision: Decision): Pick<CommandUpdate, 'state' | 'delayMs' | 'error' | 'result'> {
  switch (decision.state) {
    case 'succeeded': {
      const base = { state: decision.state, delayMs: 0, error: null }
      // Outcomes carry their value as JSON text (handler-outcomes.ts).
      return decision.value === undefined ? base : { ...base, result: decision.value as string }
    }
    case 'retrying':
      return { state: decision.state, delayMs: decision.delayMs, error: decision.error }
    default:
      return { state: decision.state, delayMs: 0, error: decision.error }
  }
}
