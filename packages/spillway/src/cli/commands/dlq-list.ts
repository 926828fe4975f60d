// `spillway dlq list`: what nothing helped, and why.

import { command } from '../command.js'
import { writeCommands } from '../command-rows.js'
import { filterArgs, filterOf } from '../list-args.js'
import { wholeNumber } from '../numbers.js'
import { targetArgs } from '../shared-args.js'
import { suggest } from '../suggestion.js'
import { withTarget } from '../target/open-target.js'

const ROWS_DEFAULT = '50'
const ROWS_MAX = 1_000_000

export const dlqList = command({
  args: {
    ...filterArgs,
    limit: { type: 'string', valueHint: 'rows', description: `At most so many; default ${ROWS_DEFAULT}` },
    cursor: {
      type: 'string',
      valueHint: 'id',
      description: 'Go on behind this id, where an earlier list ended',
    },
    ...targetArgs,
  },
  examples: [['--type letter.issue', 'dead commands of one type']],
  async run(invocation) {
    const { values, terminal } = invocation
    const limit = wholeNumber('--limit', values.limit ?? ROWS_DEFAULT, 1, ROWS_MAX)
    const plan = { filter: filterOf({ ...values, state: 'dead' }), limit, cursor: values.cursor }
    const { rows, next } = await withTarget(invocation, values, (target) =>
      writeCommands(target, terminal, plan, values.json === true),
    )
    if (rows === 0) terminal.messages.line('No dead commands.')
    else if (next === null) suggest(terminal, values, 'dlq replay --dry-run')
    else suggest(terminal, values, `dlq list --cursor ${next}`)
  },
})
