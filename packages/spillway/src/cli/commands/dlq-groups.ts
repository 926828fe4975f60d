// `spillway dlq groups`: what the dead commands died of, the largest group first.

import { PAGE_ROWS_MAX } from '../../domain/index.js'
import { ago } from '../age.js'
import { command } from '../command.js'
import { filterArgs, pageArgs } from '../list-args.js'
import { wholeNumber } from '../numbers.js'
import { jsonLine } from '../printable.js'
import { targetArgs } from '../shared-args.js'
import { suggest } from '../suggestion.js'
import { type Column, writeTable } from '../table.js'
import { withTarget } from '../target/open-target.js'
import type { ErrorGroupRecord } from '../target/operator-records.js'

const GROUPS_DEFAULT = 50

const COLUMNS: readonly Column<ErrorGroupRecord>[] = [
  { heading: 'count', cell: ({ count }) => String(count), right: true },
  { heading: 'fingerprint', cell: ({ fingerprint }) => fingerprint },
  { heading: 'type', cell: ({ type }) => type },
  { heading: 'queue', cell: ({ queue }) => queue },
  { heading: 'first', cell: ({ firstAt }) => ago(firstAt), right: true },
  { heading: 'last', cell: ({ lastAt }) => ago(lastAt), right: true },
  { heading: 'sample', cell: ({ sampleId }) => sampleId },
  { heading: 'error', cell: ({ error }) => `${error.code}: ${error.message}` },
]

export const dlqGroups = command({
  args: { ...filterArgs, limit: pageArgs.limit, ...targetArgs },
  examples: [
    ['', 'what to look at first'],
    ['--type letter.issue --json', 'for a script'],
  ],
  async run(invocation) {
    const { values, terminal } = invocation
    const { type, queue, json } = values
    const limit =
      values.limit === undefined ? GROUPS_DEFAULT : wholeNumber('--limit', values.limit, 1, PAGE_ROWS_MAX)
    const groups = await withTarget(invocation, values, ({ operator }) =>
      operator.errorGroups({
        ...(type === undefined ? {} : { type }),
        ...(queue === undefined ? {} : { queue }),
        limit,
      }),
    )
    const [largest] = groups
    if (json === true) for (const group of groups) terminal.out.line(jsonLine(group))
    else if (largest === undefined) terminal.messages.line('No dead commands.')
    else {
      writeTable(terminal.out, COLUMNS, groups)
      suggest(terminal, values, `dlq show ${largest.sampleId}`)
    }
  },
})
