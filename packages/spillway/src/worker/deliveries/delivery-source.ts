// Which broker a queue's chunks come from, if from any: its own, or the one that its journal is shipped to.

import type { ResolvedQueue } from '../../config/index.js'
import type { Broker } from '../../ports/index.js'

export interface DeliverySource {
  readonly broker: Broker
  readonly credit: number
}

export function deliverySource({ channel }: Pick<ResolvedQueue, 'channel'>): DeliverySource | null {
  if (channel.kind === 'broker') return { broker: channel.broker, credit: channel.credit }
  if (channel.kind === 'journal' && channel.to !== 'store')
    return { broker: channel.to, credit: channel.credit }
  return null
}
