// `spillway queue list`: the queues and what waits in them.

import { command } from '../command.js'
import { writeQueues } from '../queue-rows.js'
import { targetArgs } from '../shared-args.js'
import { withTarget } from '../target/open-target.js'

export const queueList = command({
  args: targetArgs,
  examples: [['', 'all queues']],
  async run(invocation) {
    const { values, terminal } = invocation
    const queues = await withTarget(invocation, values, (target) => target.queues())
    writeQueues(terminal.out, queues, values.json === true)
  },
})
