// The reading side of one writer's folder, for the agent: hands out frames in order, from the checkpoint on, while the writer may still be
// writing. What was written but is not synced yet is handed out as well: it was really submitted, its chunk has its id, and whether the
// writer's disk keeps it matters to nobody once somebody else has it.

import { SpillwayError } from '../errors/index.js'
import type { Clock, Files, Processes } from '../ports/index.js'
import { type Backlog, measureBacklog } from './backlog.js'
import { withBallast } from './ballast.js'
import { type CheckpointRead, CheckpointWriter, readCheckpoint } from './checkpoint.js'
import type { Damage } from './damage.js'
import { isMissing, journalFailed } from './disk-error.js'
import type { Frame, Position } from './frame.js'
import { FrameCursor } from './frame-cursor.js'
import { SegmentFolder } from './segment-folder.js'
import { WriterWatch } from './writer-watch.js'
import { writerOf } from './writers.js'

export interface TailOptions {
  readonly files: Files
  readonly processes: Processes
  readonly clock: Pick<Clock, 'now' | 'monotonic'>
  /** The writer's folder, as listWriters names it. */
  readonly folder: string
  /** Told before what lies behind the damage is handed out. */
  readonly onDamage: (damage: Damage) => void
}

export interface NextFrames {
  readonly frames: readonly Frame[]
  /**
   * `more`: ask again at once. `waiting`: everything written so far was read, the writer lives or may live. `ended`: the writer is dead
   * or has closed, and everything was read.
   */
  readonly state: 'more' | 'waiting' | 'ended'
}

export class WriterTail {
  readonly #options: TailOptions
  readonly #folder: SegmentFolder
  readonly #cursor: FrameCursor
  readonly #watch: WriterWatch
  readonly #checkpoint: CheckpointWriter
  #position: Position
  /** The end of what was handed out last. */
  #delivered: Position
  #removedBelow = 0
  #turn: Promise<unknown> = Promise.resolve()

  private constructor(options: TailOptions, folder: SegmentFolder, checkpoint: CheckpointRead) {
    const isFound = checkpoint.status === 'found'
    const start = isFound ? checkpoint.position : START
    this.#options = options
    this.#folder = folder
    this.#position = start
    this.#delivered = start
    this.#checkpoint = new CheckpointWriter(options.files, isFound ? checkpoint.generation : 0)
    this.#cursor = new FrameCursor(folder, start, {
      clock: options.clock,
      isStartKnown: checkpoint.status !== 'broken',
      onDamage: (damage) => this.#damaged(damage),
    })
    this.#watch = new WriterWatch(options, folder)
  }

  /** Begins at the checkpoint. Constant time and memory, whatever the backlog. */
  static async open(options: TailOptions): Promise<WriterTail> {
    const { files, folder: path, onDamage } = options
    const writer = writerOf(path)
    if (writer === null)
      throw new SpillwayError('invalid_argument', `${path} is not the folder of a journal's writer.`)
    const checkpoint = await onDisk(() => readCheckpoint(files, path))
    if (checkpoint.status === 'broken')
      onDamage({ kind: 'checkpoint', writerId: writer.writerId, segment: 0, from: 0, to: 0, commands: null })
    return new WriterTail(options, new SegmentFolder(files, path, writer), checkpoint)
  }

  get writerId(): string {
    return this.#folder.writerId
  }

  /** Where its files are now: the folder of a writer taken for dead is renamed before its end is believed. */
  get folder(): string {
    return this.#folder.path
  }

  /** Everything before it is left behind. */
  get position(): Position {
    return this.#position
  }

  /**
   * The frames that follow, at least one when there is one, otherwise as many as `bytesMax` of payload allow. One call at a time. Throws
   * `journal_failed` when the disk does; asking again goes on where it was.
   */
  next(bytesMax: number): Promise<NextFrames> {
    return onDisk(async () => {
      for (;;) {
        const step = await this.#cursor.step(bytesMax)
        if (step.status === 'frames') {
          this.#delivered = (step.frames.at(-1) as Frame).end
          return { frames: step.frames, state: 'more' }
        }
        if (step.status === 'ended') return { frames: [], state: 'ended' }
        if (step.status === 'waiting' && !(await this.#retireIfDead()))
          return { frames: [], state: 'waiting' }
      }
    })
  }

  /**
   * Leaves behind everything before the position (a frame's `end`): first the durable checkpoint, then whole segments are removed.
   * Positions may not go back; one call at a time, also while `next` runs. Throws `journal_failed`; nothing was left behind then that was
   * not advanced over, and the same position may be advanced to again.
   */
  advance(position: Position): Promise<void> {
    const order = compare(position, this.#position)
    if (order < 0) return Promise.reject(goesBack(position, this.#position))
    return this.#alone(async () => {
      if (order > 0) await this.#writeCheckpoint(position)
      this.#position = position
      if (position.segment <= this.#removedBelow) return
      await this.#folder.removeBelow(position.segment)
      this.#removedBelow = position.segment
    })
  }

  backlog(): Promise<Backlog> {
    return this.#alone(() => measureBacklog(this.#folder, this.#position))
  }

  /** Once `next` said `ended` and all was advanced over: removes the writer's folder. */
  remove(): Promise<void> {
    if (!this.#cursor.isEnded || compare(this.#position, this.#delivered) < 0)
      return Promise.reject(
        new SpillwayError(
          'state_conflict',
          'The journal of a writer is removed once all of it was left behind.',
        ),
      )
    return this.#alone(async () => {
      try {
        // Behind the seal too: of segments that are removed together any may survive a power cut.
        await this.#writeCheckpoint(this.#cursor.place)
        await this.#letGo()
        await this.#folder.remove()
      } catch (error) {
        if (!isMissing(error)) throw error
      }
    })
  }

  /** Lets go of open files. */
  close(): Promise<void> {
    return this.#alone(() => this.#letGo())
  }

  #writeCheckpoint(position: Position): Promise<void> {
    const write = (): Promise<void> => this.#checkpoint.write(this.folder, position)
    return withBallast(this.#options.files, this.#folder.spool, write)
  }

  async #damaged(damage: Damage): Promise<void> {
    if (damage.kind === 'corrupt') await this.#folder.noteDamage(damage.segment)
    this.#options.onDamage(damage)
  }

  async #letGo(): Promise<void> {
    await this.#cursor.close()
    await this.#checkpoint.close()
  }

  async #retireIfDead(): Promise<boolean> {
    if (!(await this.#watch.isDead())) return false
    await this.#alone(() => this.#folder.retire())
    return true
  }

  /** The folder changes its name while nobody else relies on it. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(() => onDisk(work))
    this.#turn = turn.catch(() => {})
    return turn
  }
}

const START: Position = { segment: 0, offset: 0, seq: 0 }

function compare(a: Position, b: Position): number {
  return a.segment - b.segment || a.offset - b.offset
}

function goesBack(to: Position, from: Position): SpillwayError {
  return new SpillwayError(
    'invalid_argument',
    'A journal cannot be advanced to a position before its checkpoint.',
    {
      details: { to, from },
    },
  )
}

async function onDisk<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof SpillwayError) throw error
    throw journalFailed('The journal could not be read or left behind', error)
  }
}
