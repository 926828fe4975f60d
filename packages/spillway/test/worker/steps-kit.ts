// What the tests about steps share: an execution that is resumed or undone, and handlers that say what they did.

import { stepsKey } from '../../src/worker/step-record.js'
import { commands, type ExecutorSetup, setUp } from './executor-kit.js'
import type { TestCommand } from './worker-kit.js'

export const first = commands(1)
export const resumed = commands(1, { attempt: 2, resumed: true })
export const failure = { state: 'failed', error: { code: 'failed', message: 'no' } }
export const toUndo = commands(1, {
  attempt: 2,
  resumed: true,
  memo: JSON.stringify({ failure, compensations: 0 }),
})

/** A handler, and what it did in order. */
export function recording(
  handle: (log: string[], context: StepContext) => unknown,
  options: Omit<TestCommand, 'name'> = {},
  setup: ExecutorSetup = {},
) {
  const log: string[] = []
  const { real, ...rest } = setUp({ handle: (_, context) => handle(log, context), ...options }, setup)
  const recorded = async (id = 'c-0'): Promise<unknown> => {
    const { values } = await real.shared.read([stepsKey(id)])
    const value = values[0]?.value
    return value === undefined ? null : (JSON.parse(value) as { steps: unknown }).steps
  }
  return { ...rest, log, recorded }
}

export interface StepContext {
  readonly attempt: number
  readonly signal: AbortSignal
  step(name: string, run: () => unknown, undo?: (result: never) => unknown): Promise<unknown>
}

/** Three steps, the second of which cannot be undone; what comes after them is up to the test. */
export const threeSteps =
  (end: (log: string[], context: StepContext) => unknown) => async (log: string[], context: StepContext) => {
    const done = (name: string, result: unknown) => () => {
      log.push(name)
      return result
    }
    const undo = (name: string) => (result: unknown) =>
      void log.push(`undo ${name} ${JSON.stringify(result)}`)
    await context.step('reserve', done('reserve', { seat: 7 }), undo('reserve'))
    await context.step('tell', done('tell', undefined))
    await context.step('charge', done('charge', 'ch_1'), undo('charge'))
    return end(log, context)
  }
