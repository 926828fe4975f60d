// A process that can be stopped, as its drivers see it: none of its timers fires while it is.

import { type Machine, machine } from '../../src/brokers/driver/index.js'

export interface StoppableMachine {
  readonly machine: Machine
  stop(): void
}

export function stoppableMachine(): StoppableMachine {
  let isStopped = false
  const schedule: Machine['schedule'] = (ms, run) =>
    machine.schedule(ms, () => (isStopped ? undefined : run()))
  return {
    machine: { ...machine, schedule },
    stop() {
      isStopped = true
    },
  }
}
