// `spillway dlq replay`: dead commands run again.

import { command } from '../command.js'
import { filterArgs, filterOf } from '../list-args.js'
import { retryIds, retryMatching } from '../retry-run.js'
import { targetArgs } from '../shared-args.js'
import { withTarget } from '../target/open-target.js'
import { usageError } from '../usage-error.js'

export const dlqReplay = command({
  args: {
    id: {
      type: 'positional',
      required: false,
      description: 'Ids of the commands; without any, all dead ones',
    },
    ...filterArgs,
    'dry-run': { type: 'boolean', description: 'Only show which ones' },
    yes: { type: 'boolean', description: 'Do not ask' },
    ...targetArgs,
  },
  variadic: true,
  examples: [
    ['--dry-run', 'which ones it would be'],
    ['--type letter.issue --yes', 'all of one type, without a question'],
  ],
  async run(invocation) {
    const { values, words } = invocation
    const filter = filterOf(values)
    const options = {
      json: values.json === true,
      dryRun: values['dry-run'] === true,
      yes: values.yes === true,
    }
    if (words.length > 0 && Object.keys(filter).length > 0)
      throw usageError('Give either ids, or --type and --queue.')
    return await withTarget(invocation, values, (target) =>
      words.length > 0
        ? retryIds(invocation, target, words, options)
        : retryMatching(invocation, target, { ...filter, state: 'dead' }, options),
    )
  },
})
