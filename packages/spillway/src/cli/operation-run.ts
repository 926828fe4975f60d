// A verb on all commands that a filter finds: counted and shown first, then stored as an operation, which the workers do and this
// process only watches. Interrupting the watching does not stop it.

import { isTerminal } from '../domain/index.js'
import { systemClock } from '../runtime/index.js'
import type { Session } from './command.js'
import { confirm } from './confirm.js'
import { EXIT, type ExitCode } from './exit-codes.js'
import { Interrupted } from './interruption.js'
import { jsonLine } from './printable.js'
import { suggest } from './suggestion.js'
import type { TargetFlags } from './target/open-target.js'
import type { Operator } from './target/operator.js'
import type { OperationRecord } from './target/operator-records.js'
import type { Target } from './target/target.js'

const POLL_MS = 250
/** An operation that nobody has begun after this time, with no worker in sight, is not waited for. */
const UNBEGUN_MS_MAX = 2_000

export interface OperationPlan {
  readonly request: Omit<Parameters<Operator['startOperation']>[0], 'dryRun'>
  readonly dryRun: boolean
  /** Do not ask. */
  readonly yes: boolean
  readonly json: boolean
}

/** `flags` are for what is suggested next. */
export async function runOperation(
  session: Session,
  target: Target,
  flags: TargetFlags,
  { request, dryRun, yes, json }: OperationPlan,
): Promise<ExitCode> {
  const { out, messages } = session.terminal
  const counted = await target.operator.startOperation({ ...request, dryRun: true })
  const matches = counted.matches ?? 0
  const { more } = counted
  const found = foundText(request.filter.state, matches, more)
  if (dryRun) {
    out.line(json ? jsonLine({ matches, more }) : String(matches))
    messages.line(`${found} would be ${DONE[request.action]}. Nothing was changed.`)
    return EXIT.ok
  }
  if (matches === 0 && !more) {
    messages.line('No such commands.')
    return EXIT.ok
  }
  if (!yes && !(await confirm(session, `${found} of ${target.name} will be ${DONE[request.action]}`))) {
    messages.line('Nothing was done.')
    return EXIT.ok
  }
  const { id } = await target.operator.startOperation(request)
  return await followOperation(session, target, flags, { id: id ?? '', json })
}

function foundText(state: string | undefined, matches: number, more: boolean): string {
  const commands = `command${matches === 1 && !more ? '' : 's'}`
  return [String(matches), more ? 'or more' : '', state ?? '', commands].filter(Boolean).join(' ')
}

export async function followOperation(
  session: Session,
  target: Target,
  flags: TargetFlags,
  { id, json }: { readonly id: string; readonly json: boolean },
): Promise<ExitCode> {
  const { terminal, interruption } = session
  const unbegunUntil = systemClock.monotonic() + UNBEGUN_MS_MAX
  for (;;) {
    const operation = await target.operator.operation(id)
    if (isTerminal(operation.state)) {
      writeOperation(session, operation, json)
      return operation.state === 'succeeded' ? EXIT.ok : EXIT.commandFailed
    }
    terminal.progress(`${operation.seen} seen, ${operation.changed} ${DONE[operation.action]}`)
    const isUnbegun = operation.state === 'accepted' && systemClock.monotonic() >= unbegunUntil
    if (isUnbegun && !(await hasWorker(target))) {
      terminal.messages.line(`Operation ${id} is stored, and waits: no process with the role worker runs.`)
      suggest(terminal, flags, `operations watch ${id}`)
      return EXIT.waitTimedOut
    }
    await systemClock.sleep(POLL_MS, interruption.signal)
    if (!interruption.signal.aborted) continue
    terminal.messages.line(`Operation ${id} goes on.`)
    suggest(terminal, flags, `operations watch ${id}`)
    throw new Interrupted()
  }
}

/** Where the operation stands: JSON, or a sentence. */
export function writeOperation(
  { terminal }: Pick<Session, 'terminal'>,
  operation: OperationRecord,
  json: boolean,
): void {
  const { action, state, seen, changed, conflicts } = operation
  if (json) {
    terminal.out.line(jsonLine(operation))
    return
  }
  const missed = conflicts === 0 ? '' : `, ${conflicts} no longer in a state that allowed it`
  const end = state === 'succeeded' ? '' : `, the operation is ${state}`
  terminal.out.line(`${changed} of ${seen} ${DONE[action]}${missed}${end}`)
}

const DONE = { redrive: 'run again', discard: 'discarded', cancel: 'cancelled' } as const

async function hasWorker(target: Target): Promise<boolean> {
  return (await target.nodes()).some(({ alive, roles }) => alive && roles.includes('worker'))
}
