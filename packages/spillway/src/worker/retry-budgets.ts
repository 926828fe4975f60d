// The retry budgets of the types that have one, in this process. Retries beyond the budget are postponed, never refused.

import type { AnyCommand } from '../config/index.js'
import {
  depositExecutions,
  RETRY_POSTPONE_MS_MAX,
  type RetryBudget,
  withdrawRetries,
} from '../domain/index.js'
import type { ExecutableCommand, Telemetry } from '../ports/index.js'
import type { DraftUpdate } from './command-update.js'

export class RetryBudgets {
  readonly #telemetry: Telemetry
  readonly #budgets = new Map<string, RetryBudget>()

  constructor(telemetry: Telemetry) {
    this.#telemetry = telemetry
  }

  executed({ name, retryBudget }: AnyCommand, executions: number, now: number): void {
    if (retryBudget === null || executions === 0) return
    const policy = { ...retryBudget, maxWaitMs: RETRY_POSTPONE_MS_MAX }
    this.#budgets.set(name, depositExecutions(this.#budgets.get(name) ?? null, policy, executions, now))
  }

  /** Lengthens the delays of the retries among the updates; `updates[i]` is about `commands[i]`. */
  postpone(
    definition: AnyCommand,
    commands: readonly ExecutableCommand[],
    updates: readonly (DraftUpdate | null)[],
    now: number,
  ): void {
    const { name: type, queue, retryBudget } = definition
    if (retryBudget === null) return
    const retries = [...updates.entries()].filter(([, update]) => update?.state === 'retrying')
    if (retries.length === 0) return
    const policy = { ...retryBudget, maxWaitMs: RETRY_POSTPONE_MS_MAX }
    const withdrawal = withdrawRetries(this.#budgets.get(type) ?? null, policy, retries.length, now)
    this.#budgets.set(type, withdrawal.budget)
    let count = 0
    for (const [place, [at, update]] of retries.entries()) {
      const waitMs = withdrawal.waitsMs[place] ?? 0
      if (waitMs === 0 || update === null) continue
      update.delayMs += Math.min(
        waitMs,
        msLeft(definition, commands[at] as ExecutableCommand, update.delayMs, now),
      )
      count += 1
    }
    if (count > 0)
      this.#telemetry.record({ event: 'command.deferred', queue, type, reason: 'retry_budget', count })
  }
}

/** A retry that the policy's deadline still allows is not postponed beyond it. */
function msLeft(
  { policy }: AnyCommand,
  { acceptedAt }: ExecutableCommand,
  delayMs: number,
  now: number,
): number {
  const { deadlineMs } = policy.retry
  return deadlineMs === null ? Number.POSITIVE_INFINITY : Math.max(0, acceptedAt + deadlineMs - now - delayMs)
}
