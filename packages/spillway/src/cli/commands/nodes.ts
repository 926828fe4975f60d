// `spillway nodes`: the processes that work on the store.

import { command } from '../command.js'
import { writeNodes } from '../node-rows.js'
import { targetArgs } from '../shared-args.js'
import { withTarget } from '../target/open-target.js'

export const nodes = command({
  args: targetArgs,
  examples: [['', 'who is there, and who died lately']],
  async run(invocation) {
    const { values, terminal } = invocation
    const found = await withTarget(invocation, values, (target) => target.nodes())
    writeNodes(terminal, found, values.json === true)
  },
})
