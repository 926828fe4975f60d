// Finding the command that a token completes.

import type { StoreReader } from '../../ports/index.js'
import { type Database, nowSql } from './database.js'
import { PARKED_COLUMNS } from './stored-commands.js'
import { type LoneRecord, rowView } from './view.js'

/** Of two commands with one token the newer. */
const WAITING = `
select parked.chunk_id, parked.queue, parked.type, parked.priority, ${PARKED_COLUMNS},
  coalesce(parked.payload, (bodies.body::json -> parked.idx)::text) as payload
from @.parked parked join @.bodies bodies on bodies.seq = parked.origin
left join @.chunks carriers on carriers.seq = parked.carrier
where parked.token_hash = $2 and parked.state = 'pending' and parked.token_expires_at > (select ${nowSql(1)})
order by parked.origin desc, parked.idx desc limit 1`

export function newWaiting(db: Database): StoreReader['waiting'] {
  return async (tokenHash) => {
    const rows = await db.queryAnew<LoneRecord & { readonly payload: string }>(WAITING, [db.now(), tokenHash])
    const [row] = rows
    return row === undefined ? null : { view: rowView(row), payload: row.payload }
  }
}
