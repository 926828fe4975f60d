// What reading a journal found broken. Reading goes on behind it, but never without saying so.

/**
 * - `corrupt`: bytes that cannot be read, with readable frames or acknowledged commands around them
 * - `missing`: acknowledged commands are not there although nothing looks broken
 * - `torn`: the last write of a writer that died; it was never acknowledged
 * - `checkpoint`: the checkpoint cannot be read; everything that is still there is read again
 */
export type DamageKind = 'corrupt' | 'missing' | 'torn' | 'checkpoint'

export interface Damage {
  readonly kind: DamageKind
  readonly writerId: string
  readonly segment: number
  /** The unreadable bytes of the segment; `to` excluded. */
  readonly from: number
  readonly to: number
  /** Commands that are missing because of it; null when nothing tells how many. */
  readonly commands: number | null
}
