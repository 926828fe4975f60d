// The journal of one spool folder, which the queues that travel by it share. It is opened at the start of a process that takes commands,
// and by a tool only when that has something to say: every journal that is opened is a writer of its own.

import type { ChannelJournal } from '../../channels/index.js'
import { isSpillwayError, SpillwayError } from '../../errors/index.js'
import type { JournalState } from '../../journal/index.js'

/** What this process needs of a journal. */
interface OpenJournal extends ChannelJournal {
  measure(): Promise<JournalState>
  probe(): Promise<void>
  close(): Promise<void>
}

export class JournalLink implements ChannelJournal {
  /** By name: all that travel by it. */
  readonly queues: readonly string[]
  /** What it may hold. */
  readonly bytesMax: number
  readonly #openJournal: () => Promise<OpenJournal>
  #opening: Promise<OpenJournal> | null = null
  #journal: OpenJournal | null = null
  #isClosed = false

  constructor(queues: readonly string[], bytesMax: number, openJournal: () => Promise<OpenJournal>) {
    this.queues = queues
    this.bytesMax = bytesMax
    this.#openJournal = openJournal
  }

  get isStarted(): boolean {
    return this.#opening !== null
  }

  /** Null before it is open. */
  async measure(): Promise<JournalState | null> {
    return (await this.#journal?.measure()) ?? null
  }

  async open(): Promise<void> {
    await this.#opened()
  }

  append(frames: Parameters<ChannelJournal['append']>[0]): Promise<void> {
    const journal = this.#journal
    return journal === null ? this.#opened().then((late) => late.append(frames)) : journal.append(frames)
  }

  async room(signal?: AbortSignal): Promise<void> {
    await (await this.#opened()).room(signal)
  }

  /** Throws when it cannot take commands now. */
  async probe(): Promise<void> {
    await (await this.#opened()).probe()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const journal = await this.#opening?.catch(() => null)
    await journal?.close()
  }

  async #opened(): Promise<OpenJournal> {
    if (this.#isClosed)
      throw new SpillwayError('closed', 'This Spillway is closed; submit to another process.')
    this.#opening ??= this.#openJournal()
    try {
      this.#journal = await this.#opening
      return this.#journal
    } catch (error) {
      // The next one tries again.
      this.#opening = null
      throw asJournalError(error)
    }
  }
}

function asJournalError(error: unknown): SpillwayError {
  if (isSpillwayError(error)) return error
  return new SpillwayError(
    'journal_failed',
    'The journal could not be opened: see whether its folder can be written.',
    {
      cause: error,
    },
  )
}
