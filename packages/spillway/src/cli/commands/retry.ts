// `spillway retry`: failed, dead and cancelled commands run again, under the same id.

import { statesAllowing } from '../../domain/index.js'
import { command } from '../command.js'
import { filterOf } from '../list-args.js'
import { retryArgs, runRetry } from '../retry-run.js'
import { usageError } from '../usage-error.js'

export const retry = command({
  args: {
    id: { type: 'positional', required: false, description: 'Ids of the commands' },
    state: { type: 'enum', options: statesAllowing('redrive'), description: 'All commands in this state' },
    ...retryArgs,
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
    if (words.length > 0 && Object.keys(filter).length > 0) {
      throw usageError('Give either ids, or --state with --type and --queue.')
    }
    if (words.length === 0 && filter.state === undefined) throw usageError('Give ids, or --state.')
    return await runRetry(invocation, { ids: words, filter })
  },
})
