// `spillway cancel`: commands that are not running yet are not run at all.

import { statesAllowing } from '../../domain/index.js'
import { command } from '../command.js'
import { filterOf } from '../list-args.js'
import { usageError } from '../usage-error.js'
import { runVerb, verbArgs } from '../verb-run.js'

export const cancel = command({
  args: {
    id: { type: 'positional', required: false, description: 'Ids of the commands' },
    state: { type: 'enum', options: statesAllowing('cancel'), description: 'All commands in this state' },
    ...verbArgs,
  },
  variadic: true,
  examples: [
    ['<id> <id>', 'both, if they do not run yet'],
    ['--type letter.issue --reason "misprint" --dry-run', 'how many of one type it would be'],
  ],
  notes: [
    'Accepted, scheduled, retrying and blocked commands can be cancelled. A running or finished one is a conflict: exit code 5.',
    'Without ids it is an operation, which workers do: spillway operations watch <id> follows it.',
  ],
  async run(invocation) {
    const { values, words: ids } = invocation
    const filter = filterOf(values)
    if (ids.length === 0 && Object.keys(filter).length === 0)
      throw usageError('Give ids, or what the commands have in common: --state, --type, --queue.')
    return await runVerb(invocation, {
      ...{ ids, filter, action: 'cancel', done: 'cancelled' },
      onIds: (operator, some) => operator.cancel(some, values.reason),
    })
  },
})
