// `spillway retry`: failed, dead and cancelled commands run again, under the same id.

import { statesAllowing } from '../../domain/index.js'
import { command } from '../command.js'
import { editArg, editedPayload } from '../edited-payload.js'
import { filterOf } from '../list-args.js'
import { usageError } from '../usage-error.js'
import { runVerb, verbArgs } from '../verb-run.js'

export const retry = command({
  args: {
    id: { type: 'positional', required: false, description: 'Ids of the commands' },
    state: { type: 'enum', options: statesAllowing('redrive'), description: 'All commands in this state' },
    edit: editArg,
    ...verbArgs,
  },
  variadic: true,
  examples: [
    ['<id> <id>', 'these two'],
    ['<id> --edit letter.json --reason "wrong street"', 'with another payload'],
    ['--state failed --type letter.issue --dry-run', 'how many it would be'],
    ['--state failed --type letter.issue --yes', 'all of them, without a question'],
  ],
  notes: ['By --state it is an operation, which workers do: spillway operations watch <id> follows it.'],
  async run(invocation) {
    const { values, words: ids, cwd } = invocation
    const filter = filterOf(values)
    if (ids.length === 0 && filter.state === undefined) throw usageError('Give ids, or --state.')
    const payload = await editedPayload(values.edit, ids, cwd)
    return await runVerb(invocation, {
      ...{ ids, filter, action: 'redrive', done: 'retrying' },
      onIds: (operator, some) => operator.retry(some, { reason: values.reason, payload }),
    })
  },
})
