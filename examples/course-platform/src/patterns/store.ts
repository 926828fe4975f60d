import { openPlatform } from '../platform.js'
import type { DurablePattern } from './pattern.js'
import { submitting } from './queued.js'

export const storePattern: DurablePattern = {
  ...{ name: 'store', summary: 'durable before the answer', broker: null, hasAgent: false },
  platform: async () => ({ channel: 'store' }),
  open: async ({ database }) => submitting(await openPlatform(database)),
}
