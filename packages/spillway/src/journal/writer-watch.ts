// Whether the writer of a folder is still there, asked now and then while its tail waits for more.

import type { Clock, ProcessMark } from '../ports/index.js'
import { LIVENESS_MS } from './limits.js'
import { isDead, type LivenessContext } from './liveness.js'
import { readMark } from './mark.js'
import { markPath } from './paths.js'
import type { SegmentFolder } from './segment-folder.js'

export class WriterWatch {
  readonly #context: LivenessContext & { readonly clock: Pick<Clock, 'monotonic'> }
  readonly #folder: SegmentFolder
  #mark: ProcessMark | null = null
  #askedAt = Number.NEGATIVE_INFINITY

  constructor(
    context: LivenessContext & { readonly clock: Pick<Clock, 'monotonic'> },
    folder: SegmentFolder,
  ) {
    this.#context = context
    this.#folder = folder
  }

  async isDead(): Promise<boolean> {
    const now = this.#context.clock.monotonic()
    if (now - this.#askedAt < LIVENESS_MS) return false
    this.#askedAt = now
    const { path } = this.#folder
    this.#mark ??= await readMark(this.#context.files, markPath(path))
    return isDead(this.#context, this.#mark, [markPath(path), path])
  }
}
