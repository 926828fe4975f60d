export type { ChannelContext, OpenChannel } from './channel-context.js'
export { createChannel } from './create-channel.js'
export { type AttachedThreads, attachThreads } from './threads.js'
