// One writer's folder, from the start of a process on, or from the moment on at which the last one was taken away: in it nobody else
// writes, and every segment has a number of its own.

import { join } from 'node:path'
import type { Cancel, Clock, Files, ProcessMark } from '../ports/index.js'
import { createCheckpoint } from './checkpoint.js'
import { bestEffort } from './disk-error.js'
import { makeDurableFolder } from './durable-folder.js'
import type { SegmentHeader } from './layout.js'
import { HEARTBEAT_MS } from './limits.js'
import { createMark } from './mark.js'
import { checkpointPath, markPath } from './paths.js'
import { SegmentWriter } from './segment-writer.js'

export interface IncarnationContext {
  readonly files: Files
  readonly clock: Pick<Clock, 'now' | 'schedule'>
  readonly spool: string
  readonly mark: ProcessMark
}

export class Incarnation {
  readonly writerId: string
  readonly folder: string
  readonly #context: IncarnationContext
  #segment = 0
  #cancelHeartbeat: Cancel | null = null

  private constructor(context: IncarnationContext, writerId: string) {
    this.#context = context
    this.writerId = writerId
    this.folder = join(context.spool, writerId)
  }

  static async begin(context: IncarnationContext, writerId: string): Promise<Incarnation> {
    const { files, spool, mark } = context
    const incarnation = new Incarnation(context, writerId)
    const { folder } = incarnation
    await makeDurableFolder(files, spool)
    try {
      await files.makeFolder(folder)
      await createMark(files, markPath(folder), mark)
      await createCheckpoint(files, folder)
      await files.syncFolder(folder)
      await files.syncFolder(spool)
    } catch (error) {
      await incarnation.#undo()
      throw error
    }
    incarnation.#beat()
    return incarnation
  }

  async openSegment(header: SegmentHeader): Promise<SegmentWriter> {
    this.#segment += 1
    const { folder, writerId } = this
    return SegmentWriter.create(this.#context.files, { folder, writerId, segment: this.#segment }, header)
  }

  /** False once the agent has taken this writer for dead, or somebody has removed the folder. */
  async isThere(): Promise<boolean> {
    return (await this.#context.files.info(this.folder)) !== null
  }

  end(): void {
    this.#cancelHeartbeat?.()
    this.#cancelHeartbeat = null
  }

  /** A disk that fails is tried again and again: not every attempt may leave a folder behind. */
  async #undo(): Promise<void> {
    const { files } = this.#context
    await bestEffort(files.remove(markPath(this.folder)))
    await bestEffort(files.remove(checkpointPath(this.folder)))
    await bestEffort(files.removeFolder(this.folder))
  }

  #beat(): void {
    const { files, clock } = this.#context
    this.#cancelHeartbeat = clock.schedule(HEARTBEAT_MS, () => {
      void bestEffort(files.touch(markPath(this.folder), clock.now()))
      this.#beat()
    })
  }
}
