export type { ChannelContext, ChannelJournal, OpenChannel } from './channel-context.js'
export { createChannel } from './create-channel.js'
export { QueueLoads } from './queue-loads.js'
export { attachThreads } from './threads.js'
