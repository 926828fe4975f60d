// An answer of the server, or an error when it does not come: the client waits for ever on a connection that is open and silent.

import { unavailable } from './failures.js'
import type { Machine } from './machine.js'

export type Within = <Answer>(answer: Promise<Answer>) => Promise<Answer>

export function within(machine: Pick<Machine, 'schedule'>, ms: number): Within {
  return (answer) =>
    new Promise((resolve, reject) => {
      const cancel = machine.schedule(ms, () =>
        reject(unavailable(`the server did not answer within ${ms} ms`)),
      )
      answer.then(resolve, reject).finally(cancel)
    })
}
