// Of commands that are picked by what they have in common, the dead letter queue means the dead ones.

import type { ListRequest } from '../ports/index.js'

type Filter = Omit<ListRequest, 'limit' | 'after'>

/** As it is where ids are given. */
export function deadFilter(ids: readonly string[], filter: Filter): Filter {
  return ids.length > 0 ? filter : { ...filter, state: 'dead' }
}
