// What operators and counterparts can do in a running Spillway, beside submitting: answer for a pending command, deal with
// what died, look after callbacks, and act on many commands at once.

import type { CommandState } from '../domain/index.js'
import type { CommandFilter, OperationAction } from '../operations/index.js'
import type { CommandView, ErrorGroup, GroupRequest, ListRequest } from '../ports/index.js'
import type { CommandPage, Page } from './pages.js'

/** Who does it, and why: kept in the audit. */
export interface ActionOptions {
  /** Default 'api'. */
  actor?: string
  reason?: string
}

export interface RedriveRequestOptions extends ActionOptions {
  /** Per command, what takes the place of its payload; undefined leaves it. Checked against the command's schema. */
  payloads?: readonly unknown[]
}

export interface OperationRequest extends ActionOptions {
  action: OperationAction
  /**
   * Without a state, `redrive` and `discard` take dead commands, and `cancel` all that can be cancelled. Spillway's own commands are left
   * out, but for callbacks whose type or queue is named.
   */
  filter: CommandFilter
  /** Only counts, up to OPERATION_COUNT_MAX. */
  dryRun?: boolean
}

export interface OperationStarted {
  /** The operation's own command; null for a dry run. */
  readonly id: string | null
  /** Commands it would be about, for a dry run; else null. */
  readonly matches: number | null
  /** There are more than were counted. */
  readonly more: boolean
}

export interface OperationView {
  readonly id: string
  readonly action: OperationAction
  readonly filter: CommandFilter
  readonly actor: string
  readonly reason: string | null
  readonly state: CommandState
  /** Commands looked at, changed, and no longer in a state that allowed it. */
  readonly seen: number
  readonly changed: number
  readonly conflicts: number
  readonly startedAt: number
  readonly finishedAt: number | null
}

/** One callback on its way or delivered: its command, whose attempts are the deliveries. */
export interface CallbackView {
  readonly id: string
  /** What the receiver knows it by: the same for every attempt, and when it is delivered again. */
  readonly webhookId: string
  /** The command that upstream is told about, and the state it ended in. */
  readonly commandId: string
  readonly event: string
  readonly url: string
  readonly delivery: CommandView
}

export type CallbackPage = Page<CallbackView>

/** An endpoint that answered 410 and is left alone. */
export interface GoneEndpoint {
  readonly url: string
  readonly goneAt: number
}

export interface Callbacks {
  list(request: Pick<ListRequest, 'state' | 'after' | 'limit'>): Promise<CallbackPage>
  /**
   * Sends it again: the same body under the same webhook id. Returns the id of the command that does. Throws `not_found`, `state_conflict`
   * while it is still on its way, and `endpoint_gone` until the endpoint is enabled.
   */
  redeliver(id: string, options?: ActionOptions): Promise<string>
  goneEndpoints(): Promise<readonly GoneEndpoint[]>
  /** `not_found` when it was not gone. */
  enableEndpoint(url: string, options?: ActionOptions): Promise<'ok' | 'not_found'>
}

export interface Operations {
  /** A command of its own (`spillway.operation`), run by any process with the role 'worker'. */
  start(request: OperationRequest): Promise<OperationStarted>
  /** Throws `not_found`. */
  get(id: string): Promise<OperationView>
}

export interface DeadLetters {
  list(request: Omit<ListRequest, 'state'>): Promise<CommandPage>
  /** By error, most commands first. */
  groups(request: Omit<GroupRequest, 'state'>): Promise<readonly ErrorGroup[]>
}

export type { CommandFilter, ErrorGroup, OperationAction }
