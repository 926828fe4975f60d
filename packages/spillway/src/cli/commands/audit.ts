// `spillway audit`: who did what, and why.

import { command } from '../command.js'
import { pageArgs, rowsMax } from '../list-args.js'
import { writePages } from '../page-rows.js'
import { targetArgs } from '../shared-args.js'
import { suggest } from '../suggestion.js'
import type { Column } from '../table.js'
import { withTarget } from '../target/open-target.js'
import type { AuditRow } from '../target/operator-records.js'

const COLUMNS: readonly Column<AuditRow>[] = [
  { heading: 'at', cell: ({ at }) => at },
  { heading: 'actor', cell: ({ actor }) => actor },
  { heading: 'action', cell: ({ action }) => action },
  { heading: 'target', cell: ({ target }) => target },
  { heading: 'commands', cell: ({ count }) => (count === null ? '' : String(count)), right: true },
  { heading: 'reason', cell: ({ reason }) => reason ?? '' },
]

export const audit = command({
  args: { ...pageArgs, ...targetArgs },
  examples: [
    ['', 'newest first'],
    ['--limit 1000 --json', 'for a script'],
  ],
  async run(invocation) {
    const { values, terminal } = invocation
    const { rows, next } = await withTarget(invocation, values, ({ operator }) =>
      writePages(
        terminal,
        {
          ...{ limit: rowsMax(values.limit), cursor: values.cursor, columns: COLUMNS },
          read: (page) => operator.audit(page),
        },
        values.json === true,
      ),
    )
    if (rows === 0) terminal.messages.line('Nobody did anything yet.')
    if (next !== null) suggest(terminal, values, `audit --cursor ${next}`)
  },
})
