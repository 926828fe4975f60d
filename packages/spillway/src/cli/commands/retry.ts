// `spillway retry`: failed, dead and cancelled commands run again, under the same id.

import { statesAllowing } from '../../domain/index.js'
import { command } from '../command.js'
import { filterArgs, filterOf } from '../list-args.js'
import { retryIds, retryMatching } from '../retry-run.js'
import { targetArgs } from '../shared-args.js'
import { withTarget } from '../target/open-target.js'
import { usageError } from '../usage-error.js'

export const retry = command({
  args: {
    id: { type: 'positional', required: false, description: 'Ids of the commands' },
    state: { type: 'enum', options: statesAllowing('redrive'), description: 'All commands in this state' },
    ...filterArgs,
    'dry-run': { type: 'boolean', description: 'Only show which ones' },
    yes: { type: 'boolean', description: 'Do not ask' },
    ...targetArgs,
  },
  variadic: true,
  examples: [
    ['<id> <id>', 'these two'],
    ['--state dead --type letter.issue --dry-run', 'which ones it would be'],
    ['--state dead --type letter.issue --yes', 'all of them, without a question'],
  ],
  async run(invocation) {
    const { values, words } = invocation
    const filter = filterOf(values)
    const options = {
      json: values.json === true,
      dryRun: values['dry-run'] === true,
      yes: values.yes === true,
    }
    if (words.length > 0 && Object.keys(filter).length > 0) {
      throw usageError('Give either ids, or --state with --type and --queue.')
    }
    if (words.length === 0 && filter.state === undefined) throw usageError('Give ids, or --state.')
    return await withTarget(invocation, values, (target) =>
      words.length > 0
        ? retryIds(invocation, target, words, options)
        : retryMatching(invocation, target, filter, options),
    )
  },
})
