// `spillway queue limit`: how many chunks of a queue run at once, over all processes on the store.

import { QUEUE_LEASES_MAX } from '../../domain/index.js'
import { command } from '../command.js'
import { wholeNumber } from '../numbers.js'
import { writeSettings } from '../queue-rows.js'
import { targetArgs } from '../shared-args.js'
import { withTarget } from '../target/open-target.js'

export const queueLimit = command({
  args: {
    queue: { type: 'positional', required: true, description: 'Name of the queue' },
    chunks: { type: 'positional', required: true, description: 'Chunks at once, or none for no limit' },
    ...targetArgs,
  },
  examples: [
    ['mails 4', 'four chunks at once, however many workers there are'],
    ['mails none', 'as many as the workers take'],
  ],
  async run(invocation) {
    const { values, terminal } = invocation
    const { queue, chunks } = values
    const leasesMax = chunks === 'none' ? null : wholeNumber('chunks', chunks, 1, QUEUE_LEASES_MAX)
    const settings = await withTarget(invocation, values, (target) => target.limit(queue, leasesMax))
    writeSettings(terminal.out, settings, values.json === true)
  },
})
