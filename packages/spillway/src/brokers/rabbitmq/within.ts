// An answer of the server, or an error when it does not come: the client waits for ever on a connection that is open and silent.

import { within as beforeDeadline, type Machine } from '../driver/index.js'
import { unavailable } from './failures.js'

export type Within = <Answer>(answer: Promise<Answer>) => Promise<Answer>

export function within(machine: Pick<Machine, 'schedule'>, ms: number): Within {
  return (answer) =>
    beforeDeadline(machine, ms, answer, () => unavailable(`the server did not answer within ${ms} ms`))
}
