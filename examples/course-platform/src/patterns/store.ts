import { openPlatform } from '../platform.js'
import type { Pattern } from './pattern.js'
import { submitting } from './queued.js'

export const storePattern: Pattern = {
  name: 'store',
  summary: 'durable before the answer',
  open: async (location) => submitting(await openPlatform(location)),
}
