// `spillway callbacks endpoints` and `enable`: receivers that answered 410 Gone are left alone until somebody says otherwise.

import { command } from '../command.js'
import { jsonLine, printable } from '../printable.js'
import { targetArgs } from '../shared-args.js'
import { writeTable } from '../table.js'
import { withTarget } from '../target/open-target.js'
import { reasonArg } from '../verb-run.js'

export const callbacksEndpoints = command({
  args: targetArgs,
  examples: [['', 'who wants to hear nothing any more']],
  async run(invocation) {
    const { values, terminal } = invocation
    const endpoints = await withTarget(invocation, values, ({ operator }) => operator.goneEndpoints())
    if (values.json === true) for (const endpoint of endpoints) terminal.out.line(jsonLine(endpoint))
    else if (endpoints.length === 0) terminal.messages.line('No endpoint answered 410.')
    else {
      const columns = [
        { heading: 'gone since', cell: ({ goneAt }: { readonly goneAt: string }) => goneAt },
        { heading: 'url', cell: ({ url }: { readonly url: string }) => url },
      ]
      writeTable(terminal.out, columns, endpoints)
    }
  },
})

export const callbacksEnable = command({
  args: {
    endpoint: { type: 'positional', required: true, description: 'As spillway callbacks endpoints shows it' },
    reason: reasonArg,
    ...targetArgs,
  },
  examples: [['https://example.com/hook --reason "they are back"', 'it is called again']],
  async run(invocation) {
    const { values, terminal } = invocation
    const { endpoint } = values
    await withTarget(invocation, values, ({ operator }) => operator.enableEndpoint(endpoint, values.reason))
    terminal.out.line(
      values.json === true
        ? jsonLine({ url: endpoint, enabled: true })
        : printable(`${endpoint} is called again`),
    )
  },
})
