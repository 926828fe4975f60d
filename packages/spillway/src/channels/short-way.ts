// The short way as a channel has it from its beginning to its end: a worker comes after the channels and goes before them.

import type { ShortWay } from '../ports/index.js'

/** `now` answers null while there is none. */
export function lateShortWay(now: () => ShortWay | null): ShortWay {
  return {
    mayDivide: (type) => now()?.mayDivide(type) ?? false,
    take: async (drafts) => now()?.take(drafts) ?? drafts.map(() => 'left' as const),
  }
}
