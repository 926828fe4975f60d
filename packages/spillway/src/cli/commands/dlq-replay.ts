// `spillway dlq replay`: dead commands run again.

import { command } from '../command.js'
import { filterOf } from '../list-args.js'
import { retryArgs, runRetry } from '../retry-run.js'
import { usageError } from '../usage-error.js'

export const dlqReplay = command({
  args: {
    id: {
      type: 'positional',
      required: false,
      description: 'Ids of the commands; without any, all dead ones',
    },
    ...retryArgs,
  },
  variadic: true,
  examples: [
    ['--dry-run', 'which ones it would be'],
    ['--type letter.issue --yes', 'all of one type, without a question'],
  ],
  async run(invocation) {
    const { values, words } = invocation
    const filter = filterOf(values)
    if (words.length > 0 && Object.keys(filter).length > 0)
      throw usageError('Give either ids, or --type and --queue.')
    return await runRetry(invocation, { ids: words, filter: { ...filter, state: 'dead' } })
  },
})
