// `spillway callbacks redeliver <id>`: upstream is told once more, in the same words.

import { command } from '../command.js'
import { jsonLine } from '../printable.js'
import { targetArgs } from '../shared-args.js'
import { suggest } from '../suggestion.js'
import { withTarget } from '../target/open-target.js'
import { reasonArg } from '../verb-run.js'

export const callbacksRedeliver = command({
  args: {
    id: { type: 'positional', required: true, description: 'Id of the callback' },
    reason: reasonArg,
    ...targetArgs,
  },
  examples: [['<id>', 'the same body under the same webhook id']],
  notes: ['Exit code 5 while it is still on its way, and for an endpoint that answered 410.'],
  async run(invocation) {
    const { values, terminal } = invocation
    const by = await withTarget(invocation, values, ({ operator }) =>
      operator.redeliver(values.id, values.reason),
    )
    terminal.out.line(values.json === true ? jsonLine({ id: values.id, by }) : by)
    if (values.json !== true) suggest(terminal, values, `watch ${by}`)
  },
})
