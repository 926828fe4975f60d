// `spillway operations get` and `watch`: how far a verb on many commands has got.

import { command } from '../command.js'
import { followOperation, writeOperation } from '../operation-run.js'
import { targetArgs } from '../shared-args.js'
import { withTarget } from '../target/open-target.js'

const idArg = { type: 'positional', required: true, description: 'Id of the operation' } as const

export const operationsGet = command({
  args: { id: idArg, ...targetArgs },
  examples: [['<id>', 'as it is now']],
  async run(invocation) {
    const { values } = invocation
    const operation = await withTarget(invocation, values, ({ operator }) => operator.operation(values.id))
    writeOperation(invocation, operation, values.json === true)
  },
})

export const operationsWatch = command({
  args: { id: idArg, ...targetArgs },
  examples: [['<id>', 'until it has ended']],
  notes: ['The exit code tells how it ended: 0 done, 6 not, 7 nobody is there to do it.'],
  async run(invocation) {
    const { values } = invocation
    const { id, json = false } = values
    return await withTarget(invocation, values, (target) =>
      followOperation(invocation, target, values, { id, json }),
    )
  },
})
