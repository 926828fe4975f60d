// A spool in a temporary folder, or on a simulated disk, with writers and tails that say when they are alive: what the tests of the journal
// have in common.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Damage,
  type Frame,
  Journal,
  type JournalOptions,
  listWriters,
  nodeFiles,
  WriterTail,
} from '../../src/journal/index.js'
import type { Files, TelemetryEvent } from '../../src/ports/index.js'
import { FakeProcesses } from '../../src/testing/crash-files/index.js'
import { VirtualClock } from '../../src/testing/virtual-clock.js'

export interface KitWriter {
  readonly pid: number
  readonly journal: Journal
}

export class JournalKit {
  readonly spool: string
  readonly files: Files
  readonly clock: VirtualClock
  readonly processes = new FakeProcesses()
  readonly events: TelemetryEvent[] = []
  readonly damages: Damage[] = []
  #writers = 0

  constructor(spool: string, files: Files, clock = new VirtualClock()) {
    this.spool = spool
    this.clock = clock
    this.files = files
  }

  async writer(options: Partial<JournalOptions> = {}): Promise<KitWriter> {
    const pid = this.processes.start()
    const journal = await Journal.open({
      folder: this.spool,
      level: 'synced',
      maxBytes: 1024 ** 3,
      minFreeBytes: 0,
      segmentBytes: 4_096,
      files: this.files,
      processes: this.processes.seenFrom(pid),
      clock: this.clock,
      newWriterId: () => this.#newWriterId(),
      telemetry: { record: (event) => void this.events.push(event) },
      ...options,
    })
    return { pid, journal }
  }

  /** Of the oldest writer unless another folder is named. */
  async tail(folder?: string): Promise<WriterTail> {
    const [oldest] = await listWriters(this.files, this.spool)
    const path = folder ?? oldest?.folder
    if (path === undefined) throw new Error('the spool has no writers')
    return WriterTail.open({
      files: this.files,
      processes: this.processes.seenFrom(0),
      clock: this.clock,
      folder: path,
      onDamage: (damage) => void this.damages.push(damage),
    })
  }

  /** What makes a dead process noticed: its tails ask once a second. */
  async kill({ pid }: KitWriter): Promise<void> {
    this.processes.set(pid, 'dead')
    await this.clock.advance(1_000)
  }

  #newWriterId(): string {
    this.#writers += 1
    return this.#writers.toString(16).padStart(32, '0')
  }
}

/** A kit on the real disk, in a folder of its own, and what removes it. */
export async function realKit(
  files: Files = nodeFiles,
): Promise<{ kit: JournalKit; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'spillway-journal-'))
  return {
    kit: new JournalKit(join(folder, 'spool'), files),
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}

export function textOf({ payload }: Frame): string {
  return Buffer.from(payload).toString()
}

/** Everything that can be read now, and the state it ended in. */
export async function readAll(
  tail: WriterTail,
  bytesMax = 1_000,
): Promise<{ frames: Frame[]; state: string }> {
  const frames: Frame[] = []
  for (;;) {
    const next = await tail.next(bytesMax)
    frames.push(...next.frames)
    if (next.state !== 'more') return { frames, state: next.state }
  }
}
