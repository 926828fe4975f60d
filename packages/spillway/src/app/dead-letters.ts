// Commands that somebody has to look at: listed, and grouped by what they failed with.

import type { ErrorGroup, Store } from '../ports/index.js'
import type { DeadLetters } from './operator-api.js'
import { checkCommandPage, checkPageLimit } from './page-request.js'
import type { CommandPage } from './pages.js'

export function deadLetters({ reader }: Pick<Store, 'reader'>): DeadLetters {
  return {
    async list(request): Promise<CommandPage> {
      checkCommandPage(request)
      return reader.list({ ...request, state: 'dead' })
    },
    async groups(request): Promise<readonly ErrorGroup[]> {
      checkPageLimit(request.limit)
      return reader.errorGroups({ ...request, state: 'dead' })
    },
  }
}
