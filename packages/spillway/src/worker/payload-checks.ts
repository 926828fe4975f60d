// Payloads that no longer fit their schema: stored by an older release, or edited. They go to the dead letters with the schema's
// words instead of failing in the handler as often as the policy allows.

import { type AnyCommand, validatePayload } from '../config/index.js'
import { ERROR_MESSAGE_MAX, type ErrorRecord, type Exception, type Outcome } from '../domain/index.js'
import { isSpillwayError, type SpillwayError } from '../errors/index.js'
import type { ExecutableCommand } from '../ports/index.js'
import { exceptionOf } from './classify.js'
import { boundedText, errorRecord } from './error-record.js'
import { isPromise } from './promise.js'
import type { Outcomes } from './trial.js'

type Found = SpillwayError | null

/**
 * A schema that transforms may refuse what it made itself, and stored payloads are what it made. So what a schema says after a failure is
 * taken for the reason only once it was seen to accept a payload that a handler succeeded with.
 */
type Trust = 'trusted' | 'unproven' | 'refuted'

export class PayloadChecks {
  /** By type, one payload that its handler succeeded with. */
  readonly #good = new Map<string, unknown>()

  succeeded(type: string, payload: unknown): void {
    this.#good.set(type, payload)
  }

  /** Before the handler: an exception for each payload that the schema refuses, else null. */
  async before(
    definition: AnyCommand,
    commands: readonly ExecutableCommand[],
  ): Promise<readonly (Exception | null)[]> {
    const found = await Promise.all(commands.map(({ payload }) => faultOf(definition, payload)))
    return found.map((fault) => (fault === null ? null : refusalOf(definition, fault)))
  }

  /** The same where nothing can be awaited: an asynchronous schema is not asked. */
  beforeSync(definition: AnyCommand, commands: readonly ExecutableCommand[]): readonly (Exception | null)[] {
    return commands.map(({ payload }) => {
      const fault = faultOf(definition, payload)
      return fault === null || isPromise(fault) ? null : refusalOf(definition, fault)
    })
  }

  /** After the handler: faults of payloads that the schema refuses become its. */
  async after(
    definition: AnyCommand,
    commands: readonly ExecutableCommand[],
    outcomes: Outcomes,
  ): Promise<Outcomes> {
    const found = await Promise.all(
      outcomes.map((outcome, at) => (isSuspect(outcome) ? faultOf(definition, commands[at]?.payload) : null)),
    )
    if (found.every((fault) => fault === null)) return outcomes
    const evidence = this.#evidence(definition, commands, outcomes)
    return explained(outcomes, found, trustIn(await evidence, evidence === undefined))
  }

  afterSync(definition: AnyCommand, commands: readonly ExecutableCommand[], outcomes: Outcomes): Outcomes {
    const found = outcomes.map((outcome, at): Found => {
      const fault = isSuspect(outcome) ? faultOf(definition, commands[at]?.payload) : null
      return isPromise(fault) ? null : fault
    })
    if (found.every((fault) => fault === null)) return outcomes
    const evidence = this.#evidence(definition, commands, outcomes)
    return isPromise(evidence)
      ? outcomes
      : explained(outcomes, found, trustIn(evidence, evidence === undefined))
  }

  /** What the schema has against a payload that is known to be good; undefined when none is known. */
  #evidence(
    definition: AnyCommand,
    commands: readonly ExecutableCommand[],
    outcomes: Outcomes,
  ): Found | Promise<Found> | undefined {
    const at = outcomes.findIndex((outcome) => outcome === null || outcome.outcome === 'ok')
    if (at !== -1) return faultOf(definition, commands[at]?.payload)
    return this.#good.has(definition.name) ? faultOf(definition, this.#good.get(definition.name)) : undefined
  }
}

/** Whether the handler failed in a way that a payload may be the cause of. */
export function isSuspect(outcome: Outcome | null): outcome is Exception {
  return (
    outcome?.outcome === 'exception' && outcome.fault === 'data' && outcome.error.code !== 'handler_result'
  )
}

function faultOf({ name, input }: AnyCommand, payload: unknown): Found | Promise<Found> {
  try {
    const output = validatePayload(name, input, payload)
    return isPromise(output) ? output.then(() => null, asFound) : null
  } catch (error) {
    return asFound(error)
  }
}

function asFound(error: unknown): Found {
  return isSpillwayError(error, 'invalid_payload') ? error : null
}

/** A schema that threw has not answered: that is a fault like any that a handler may have. */
function refusalOf({ classify }: AnyCommand, fault: SpillwayError): Exception {
  if (fault.cause !== undefined) return exceptionOf(fault.cause, classify)
  return { outcome: 'exception', fault: 'permanent', error: errorRecord(fault) }
}

function trustIn(evidence: Found | undefined, isUnknown: boolean): Trust {
  if (isUnknown) return 'unproven'
  return evidence === null ? 'trusted' : 'refuted'
}

function explained(outcomes: Outcomes, found: readonly Found[], trust: Trust): Outcomes {
  if (trust === 'refuted') return outcomes
  return outcomes.map((outcome, at) => {
    const fault = found[at] ?? null
    if (fault === null || fault.cause !== undefined || !isSuspect(outcome)) return outcome
    const error = wordsOf(fault, outcome.error)
    return trust === 'trusted' ? { outcome: 'exception', fault: 'permanent', error } : { ...outcome, error }
  })
}

function wordsOf(fault: SpillwayError, { message, stack }: ErrorRecord): ErrorRecord {
  const text = `${fault.message}; the handler failed with: ${message}`
  const error = { code: fault.code, message: boundedText(text, ERROR_MESSAGE_MAX) }
  return stack === undefined ? error : { ...error, stack }
}
