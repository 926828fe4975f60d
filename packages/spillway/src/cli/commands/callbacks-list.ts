// `spillway callbacks list`: what upstream was told, and what it answered.

import { command } from '../command.js'
import { pageArgs, rowsMax, stateArg } from '../list-args.js'
import { writePages } from '../page-rows.js'
import { targetArgs } from '../shared-args.js'
import { suggest } from '../suggestion.js'
import type { Column } from '../table.js'
import { withTarget } from '../target/open-target.js'
import type { CallbackRecord } from '../target/operator-records.js'

const COLUMNS: readonly Column<CallbackRecord>[] = [
  { heading: 'id', cell: ({ id }) => id },
  { heading: 'delivery', cell: ({ delivery }) => delivery.state },
  { heading: 'attempts', cell: ({ delivery }) => String(delivery.attempts), right: true },
  { heading: 'event', cell: ({ event }) => event },
  { heading: 'command', cell: ({ commandId }) => commandId },
  { heading: 'next', cell: ({ delivery }) => delivery.nextAt ?? '' },
  { heading: 'url', cell: ({ url }) => url },
  { heading: 'answer', cell: ({ delivery }) => answerOf(delivery) },
]

export const callbacksList = command({
  args: {
    state: { ...stateArg, description: 'Whose delivery is in this state' },
    ...pageArgs,
    ...targetArgs,
  },
  examples: [
    ['', 'newest first'],
    ['--state dead', 'what could not be delivered'],
  ],
  notes: ['The attempts of one, with the answer to each: spillway get <id of the callback>.'],
  async run(invocation) {
    const { values, terminal } = invocation
    const { state } = values
    const { rows, next } = await withTarget(invocation, values, ({ operator }) =>
      writePages(
        terminal,
        {
          ...{ limit: rowsMax(values.limit), cursor: values.cursor, columns: COLUMNS },
          read: (page) => operator.callbacks({ ...(state === undefined ? {} : { state }), ...page }),
        },
        values.json === true,
      ),
    )
    if (rows === 0) terminal.messages.line('No such callbacks.')
    if (next === null) return
    const flags = state === undefined ? '' : ` --state ${state}`
    suggest(terminal, values, `callbacks list${flags} --cursor ${next}`)
  },
})

function answerOf({ error, result }: CallbackRecord['delivery']): string {
  if (error !== null) return error.message
  return result === null || result === undefined ? '' : JSON.stringify(result)
}
