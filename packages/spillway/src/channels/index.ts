export type { ChannelContext, OpenChannel } from './channel-context.js'
export { createChannel } from './create-channel.js'
export { attachThreads } from './threads.js'
