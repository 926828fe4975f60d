// Records which command was executed under which lease, and what it came to, between the worker and its executor.

import type { Lease, Stage } from '../../domain/index.js'
import { commandId } from '../../domain/index.js'
import type { ExecutableCommand, ExecutionReport, Executor, Store } from '../../ports/index.js'
import type { Ended } from '../checker/index.js'
import type { Life } from './life.js'
import type { Recording } from './recording.js'

/** The leases that this incarnation was given, by command. */
export class GivenLeases {
  readonly #leases = new Map<string, Lease>()

  of(id: string): Lease | undefined {
    return this.#leases.get(id)
  }

  /** The store, with an eye on what its claims return. */
  watch(store: Store): Store {
    return {
      ...store,
      claim: async (request) => {
        const leases = await store.claim(request)
        for (const lease of leases) this.#remember(lease)
        return leases
      },
    }
  }

  #remember(lease: Lease): void {
    for (let index = 0; index < lease.size; index += 1) {
      this.#leases.set(lease.members?.[index]?.id ?? commandId(lease.chunkId, index), lease)
    }
  }
}

export function recordingExecutor(
  executor: Executor,
  leases: GivenLeases,
  life: Life,
  recording: Recording,
): Executor {
  const start = (type: string, commands: readonly ExecutableCommand[], stage: Stage): Run[] => {
    const call = recording.serial()
    return commands.map(({ id, attempt, payload }) => {
      const run = recording.serial()
      const { chunkId = '?', token = 0 } = leases.of(id) ?? {}
      const worker = life.process
      const text = JSON.stringify(payload)
      const held = { chunkId, token, stage }
      recording.add({ kind: 'started', run, call, worker, type, id, payload: text, attempt, ...held })
      return { run, call, id }
    })
  }
  const end = (runs: readonly Run[], report: ExecutionReport): ExecutionReport => {
    for (const [at, run] of runs.entries()) {
      const { state = 'succeeded', result = null } = report[at] ?? {}
      recording.add({ kind: 'ended', ...run, state, result })
    }
    return report
  }
  return {
    async execute(type, commands, options) {
      if (life.over) return life.crash()
      const runs = start(type, commands, options.stage ?? 'execute')
      return end(runs, await executor.execute(type, commands, options))
    },
    executeWithin(type, commands, options) {
      const runs = start(type, commands, 'execute')
      const report = executor.executeWithin(type, commands, options)
      return report instanceof Promise ? report.then((ended) => end(runs, ended)) : end(runs, report)
    },
    conclude(type, commands, exceptions, options) {
      const report = executor.conclude(type, commands, exceptions, options)
      const call = recording.serial()
      for (const [at, { id }] of commands.entries()) {
        const { chunkId = '?', token = 0 } = leases.of(id) ?? {}
        const { state = 'succeeded', result = null } = report[at] ?? {}
        const run = { run: recording.serial(), call, id }
        recording.add({ kind: 'ended', ...run, state, result, concludedUnder: { chunkId, token } })
      }
      return report
    },
    landed: (type, landed) => executor.landed(type, landed),
    forget: (ids) => executor.forget(ids),
    close: () => executor.close(),
  }
}

type Run = Pick<Ended, 'run' | 'call' | 'id'>
