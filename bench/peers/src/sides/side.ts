// One way of getting events into the user's table. A side is opened in a process of its own on a fresh database; who submits
// and who works may be one process or several.

import type { BrokerName } from '../broker-names.js'
import type { LandedCount } from '../landed-count.js'
import type { WatchEvent } from '../watch-events.js'

export interface ServerUrls {
  /** Of a fresh database on PostgreSQL or MariaDB, whichever the side runs on. */
  readonly database: string
  /** Null where no side needs it. */
  readonly redis: string | null
  readonly transit: Transit
}

/** What commands pass on their way to the database, where it is not the database itself. */
export interface Transit {
  readonly broker: string | null
  /** A name that no run had before: brokers keep what earlier runs have left. */
  readonly lane: string
  /** An empty folder, where the side has a journal. */
  readonly spool: string | null
}

export type SideRole = 'submit' | 'work' | 'both'

/** What a handler is to do besides writing the row. */
export interface HandlerRules {
  /** Null when nobody asks: no side then runs code that another does not. */
  readonly started: ((event: WatchEvent) => void) | null
  /** Whether this execution (counted from 1) is to fail. Null when none is. */
  readonly fails: ((event: WatchEvent, attempt: number) => boolean) | null
}

export interface SideContext {
  readonly urls: ServerUrls
  readonly role: SideRole
  readonly landed: LandedCount
  readonly rules: HandlerRules
}

export interface RunningSide {
  /** Resolves when the event is as safe as this side makes it. */
  submit(event: WatchEvent): Promise<unknown>
  /** The side's own bulk API. */
  submitMany(events: readonly WatchEvent[]): Promise<unknown>
  close(): Promise<void>
}

export type Settings = Readonly<Record<string, unknown>>

export interface Side {
  readonly title: string
  readonly engine: 'postgres' | 'mariadb'
  /** What `appendfsync` says while this side runs; null for sides without Redis. */
  readonly redis: 'everysec' | 'always' | null
  readonly broker?: BrokerName
  readonly hasJournal?: boolean
  /** Published with the figures. */
  readonly settings: Settings
  /** Once per database, before anything is timed. */
  install(urls: ServerUrls): Promise<void>
  open(context: SideContext): Promise<RunningSide>
}

export const submits = (role: SideRole): boolean => role !== 'work'
export const works = (role: SideRole): boolean => role !== 'submit'

/** What a handler throws when an execution is to fail. */
export class PlannedFailure extends Error {
  override readonly name = 'PlannedFailure'

  constructor() {
    super('this execution was to fail')
  }
}
