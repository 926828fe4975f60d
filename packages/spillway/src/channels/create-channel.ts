// From a queue's channel as configured to the channel at work.

import type { ChannelSpec } from '../config/index.js'
import { brokerChannel } from './broker-channel.js'
import { bufferChannel } from './buffer-channel.js'
import type { ChannelContext, OpenChannel } from './channel-context.js'
import { directChannel } from './direct-channel.js'
import { journalChannel } from './journal-channel.js'
import { poolChannel } from './pool-channel.js'
import { storeChannel } from './store-channel.js'

export function createChannel(spec: ChannelSpec, context: ChannelContext): OpenChannel {
  switch (spec.kind) {
    case 'direct':
      return directChannel(context)
    case 'pool':
      return poolChannel(spec, context)
    case 'buffer':
      return bufferChannel(spec, context)
    case 'store':
      return storeChannel(spec, context)
    case 'broker':
      return brokerChannel(spec, context)
    case 'journal':
      return journalChannel(spec, context)
  }
}
