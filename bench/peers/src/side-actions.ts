// What the benchmark asks of a process that holds one side. One question at a time, each with one answer.

import type { Costs } from './costs.js'
import type { Load, LoadFigures } from './load.js'
import type { ServerUrls, SideRole } from './sides/side.js'
import type { SideName } from './sides/side-names.js'

export interface SideJob {
  readonly side: SideName
  readonly role: SideRole
  /** As the side sees its servers, perhaps through a proxy. */
  readonly urls: ServerUrls
  /** As they are. */
  readonly direct: ServerUrls
  readonly databasePid: number
  readonly redisPid: number | null
  /** Whether handlers say when they begin. */
  readonly timesHandlers: boolean
  /** How many of 100 commands of the timed load fail at their first execution. */
  readonly failPercent: number
}

export interface TimedLoad extends Pick<Load, 'callers' | 'api' | 'first'> {
  /** About how long; the number of events is found by a warm-up. */
  readonly seconds: number
}

export interface LoadReport extends LoadFigures, Costs {
  /** Timed ones. */
  readonly events: number
  /** Timed and warm-up together. */
  readonly allEvents: number
}

/** Times by monotonicMs(). */
export interface SubmitReport {
  readonly startedAt: number
  readonly ackedAt: number
  readonly ackP50Ms: number
  readonly ackP99Ms: number
}

export interface Progress {
  readonly rows: number
  readonly repeats: number
  /** When the last row landed, by monotonicMs(). */
  readonly lastAt: number
}

/** An event's place in its sequence, and a time by monotonicMs(). */
export type Moment = readonly [index: number, at: number]

export interface SideActions {
  /** Makes the user's table and what the side needs in the database. */
  install: { input: null; answer: null }
  /** Answers with the time at which opening began. */
  open: { input: null; answer: number }
  /** Puts events into the queue by the side's bulk API. */
  seed: { input: { first: number; events: number }; answer: null }
  load: { input: TimedLoad; answer: LoadReport }
  /** Submits only; somebody else executes. */
  submit: { input: Load; answer: SubmitReport }
  /** CPU time that the process has used so far, in s. */
  cpu: { input: null; answer: number }
  /** Submits one event after the other with a pause in between; answers when each was acknowledged. */
  trickle: { input: { first: number; events: number; pauseMs: number }; answer: readonly Moment[] }
  /** When handlers began. */
  started: { input: null; answer: readonly Moment[] }
  progress: { input: null; answer: Progress }
  close: { input: null; answer: Progress }
}

export type ActionName = keyof SideActions

export interface Question<Name extends ActionName = ActionName> {
  readonly action: Name
  readonly input: SideActions[Name]['input']
}

export type Reply = { readonly answer: unknown } | { readonly error: string }
