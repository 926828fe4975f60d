// The patterns that hold clicks in memory differ in one value, the channel of their queue.

import type { ChannelSpec } from 'spillway'
import { recordClickAlone } from '../clicks.js'
import { openPlatform, type Platform } from '../platform.js'
import type { Pattern, PatternName, RunningPattern } from './pattern.js'

export function queuedInMemory(name: PatternName, summary: string, channel: ChannelSpec): Pattern {
  return {
    ...{ name, summary, broker: null, hasAgent: false },
    open: async ({ database }) =>
      submitting(await openPlatform(database, { channel, command: recordClickAlone })),
  }
}

export function submitting(platform: Platform): RunningPattern {
  const { spillway, command } = platform
  return {
    async record(click) {
      await spillway.submit(command, click)
    },
    settled: () => platform.settled(),
    close: () => platform.close(),
  }
}
