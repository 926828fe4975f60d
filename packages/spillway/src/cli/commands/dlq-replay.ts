// `spillway dlq replay`: dead commands run again.

import { command } from '../command.js'
import { deadFilter } from '../dead-filter.js'
import { editArg, editedPayload } from '../edited-payload.js'
import { filterOf } from '../list-args.js'
import { runVerb, verbArgs } from '../verb-run.js'

export const dlqReplay = command({
  args: {
    id: {
      type: 'positional',
      required: false,
      description: 'Ids of the commands; without any, all dead ones',
    },
    edit: editArg,
    ...verbArgs,
  },
  variadic: true,
  examples: [
    ['--dry-run', 'how many it would be'],
    ['--type letter.issue --reason "the relay is back" --yes', 'all of one type, without a question'],
    ['--fingerprint <fingerprint>', 'all that died of one error (spillway dlq groups)'],
    ['<id> --edit letter.json', 'one, with another payload'],
  ],
  notes: ['Without ids it is an operation, which workers do: spillway operations watch <id> follows it.'],
  async run(invocation) {
    const { values, words: ids, cwd } = invocation
    const payload = await editedPayload(values.edit, ids, cwd)
    return await runVerb(invocation, {
      ...{ ids, filter: deadFilter(ids, filterOf(values)), action: 'redrive', done: 'retrying' },
      onIds: (operator, some) => operator.retry(some, { reason: values.reason, payload }),
    })
  },
})
