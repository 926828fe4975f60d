// `spillway dlq show <id>`: all there is to know about why a command died: its payload, and every attempt with its error and stack.

import { command } from '../command.js'
import { writeCommand, writeStacks } from '../command-facts.js'
import { targetArgs } from '../shared-args.js'
import { suggest } from '../suggestion.js'
import { withTarget } from '../target/open-target.js'

export const dlqShow = command({
  args: {
    id: { type: 'positional', required: true, description: 'Id of the command' },
    ...targetArgs,
  },
  examples: [['<id>', 'payload, attempts, errors, stacks']],
  async run(invocation) {
    const { values, terminal } = invocation
    const { id } = values
    const json = values.json === true
    const record = await withTarget(invocation, values, (target) => target.get(id, { payload: true }))
    writeCommand(terminal.out, record, json)
    if (json) return
    writeStacks(terminal.out, record)
    if (record.state === 'dead') suggest(terminal, values, `dlq replay ${id}`)
  },
})
