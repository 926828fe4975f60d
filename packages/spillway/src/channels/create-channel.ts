// From a queue's channel as configured to the channel at work.

import type { ChannelSpec } from '../config/index.js'
import { bufferChannel } from './buffer-channel.js'
import type { ChannelContext, OpenChannel } from './channel-context.js'
import { directChannel } from './direct-channel.js'
import { poolChannel } from './pool-channel.js'
import { StoreChannel } from './store-channel.js'

export function createChannel(spec: ChannelSpec, context: ChannelContext): OpenChannel {
  switch (spec.kind) {
    case 'direct':
      return directChannel(context)
    case 'pool':
      return poolChannel(spec, context)
    case 'buffer':
      return bufferChannel(spec, context)
    case 'store':
      return new StoreChannel(spec, context)
  }
}
