// The files of one writer as a reader sees them: which segments are there, what is taken out of the way, and what is kept because something
// in it could not be read.

import { dirname } from 'node:path'
import type { Files } from '../ports/index.js'
import { withBallast } from './ballast.js'
import { bestEffort, isMissing } from './disk-error.js'
import { makeDurableFolder } from './durable-folder.js'
import {
  checkpointPath,
  damagedPath,
  markPath,
  quarantinedPath,
  quarantineFolder,
  retiredFolder,
  segmentNumbers,
  segmentPath,
} from './paths.js'
import { type ReadMemory, SegmentReader } from './segment-reader.js'

export class SegmentFolder {
  readonly writerId: string
  readonly #files: Files
  readonly #damaged = new Set<number>()
  #path: string
  #isRetired: boolean

  constructor(files: Files, path: string, writer: { writerId: string; isRetired: boolean }) {
    this.#files = files
    this.#path = path
    this.writerId = writer.writerId
    this.#isRetired = writer.isRetired
  }

  get path(): string {
    return this.#path
  }

  /** No writer finds it any more: what is in it is all there ever will be. */
  get isRetired(): boolean {
    return this.#isRetired
  }

  get spool(): string {
    return dirname(this.#path)
  }

  /** In order. */
  async segments(): Promise<number[]> {
    return segmentNumbers(await this.#files.list(this.#path))
  }

  async bytesOf(segment: number): Promise<number> {
    return (await this.#files.info(segmentPath(this.#path, segment)))?.bytes ?? 0
  }

  /** Null when it is not there. */
  async open(segment: number, memory?: ReadMemory): Promise<SegmentReader | null> {
    const place = { writerId: this.writerId, segment }
    try {
      return await SegmentReader.open(this.#files, segmentPath(this.#path, segment), place, memory)
    } catch (error) {
      if (isMissing(error)) return null
      throw error
    }
  }

  /**
   * Takes the folder away from its writer. A writer that lives after all looks for its folder before it acknowledges anything, so that
   * every acknowledged frame was written before this.
   */
  async retire(): Promise<void> {
    if (this.#isRetired) return
    const retired = retiredFolder(this.#path)
    await this.#files.rename(this.#path, retired)
    this.#path = retired
    this.#isRetired = true
    await this.#files.syncFolder(this.spool)
  }

  /** Its file is kept when its turn to be removed comes. The note of it may fail: then only a restart of the reader forgets it. */
  async noteDamage(segment: number): Promise<void> {
    if (this.#damaged.has(segment)) return
    this.#damaged.add(segment)
    await bestEffort(this.#writeNote(segment))
  }

  /** Removes segments below a number, oldest first. */
  async removeBelow(segment: number): Promise<void> {
    const names = await this.#files.list(this.#path)
    const damaged = new Set([...segmentNumbers(names, 'damaged'), ...this.#damaged])
    const old = segmentNumbers(names).filter((number) => number < segment)
    for (const number of old) {
      if (damaged.has(number)) await this.#quarantine(number)
      else await this.#files.remove(segmentPath(this.#path, number))
    }
    await this.#files.syncFolder(this.#path)
    for (const number of segmentNumbers(names, 'damaged'))
      if (number < segment) await bestEffort(this.#files.remove(damagedPath(this.#path, number)))
  }

  /** Removes everything, the checkpoint only when nothing is left that it speaks of. */
  async remove(): Promise<void> {
    await this.removeBelow(Number.POSITIVE_INFINITY)
    for (const path of [checkpointPath(this.#path), markPath(this.#path)]) await this.#removeIfThere(path)
    await this.#files.removeFolder(this.#path)
    await this.#files.syncFolder(this.spool)
  }

  async #writeNote(segment: number): Promise<void> {
    await withBallast(this.#files, this.spool, async () => {
      const file = await this.#files.open(damagedPath(this.#path, segment), 'create')
      await file.close()
    })
    await this.#files.syncFolder(this.#path)
  }

  async #quarantine(segment: number): Promise<void> {
    const { spool } = this
    const folder = quarantineFolder(spool)
    await makeDurableFolder(this.#files, folder)
    await this.#files.rename(segmentPath(this.#path, segment), quarantinedPath(spool, this.writerId, segment))
    await this.#files.syncFolder(folder)
  }

  async #removeIfThere(path: string): Promise<void> {
    try {
      await this.#files.remove(path)
    } catch (error) {
      if (!isMissing(error)) throw error
    }
  }
}
