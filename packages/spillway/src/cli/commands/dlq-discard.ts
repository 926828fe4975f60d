// `spillway dlq discard`: dead commands are given up.

import { command } from '../command.js'
import { deadFilter } from '../dead-filter.js'
import { filterOf } from '../list-args.js'
import { usageError } from '../usage-error.js'
import { runVerb, verbArgs } from '../verb-run.js'

export const dlqDiscard = command({
  args: {
    id: { type: 'positional', required: false, description: 'Ids of the commands' },
    ...verbArgs,
  },
  variadic: true,
  examples: [
    ['<id> --reason "the customer is gone"', 'one'],
    ['--type letter.issue --dry-run', 'how many of one type it would be'],
    ['--fingerprint <fingerprint>', 'all that died of one error (spillway dlq groups)'],
  ],
  notes: [
    'They become cancelled, and upstream is told where it wants to be. A retry still brings one back.',
    'Without ids it is an operation, which workers do: spillway operations watch <id> follows it.',
  ],
  async run(invocation) {
    const { values, words: ids } = invocation
    const filter = filterOf(values)
    if (ids.length === 0 && Object.keys(filter).length === 0)
      throw usageError('Give ids, or what the commands have in common: --type, --queue, --fingerprint.')
    return await runVerb(invocation, {
      ...{ ids, filter: deadFilter(ids, filter), action: 'discard', done: 'discarded' },
      onIds: (operator, some) => operator.discard(some, values.reason),
    })
  },
})
