// `spillway status`: can it take commands, and what is it doing?

import { command } from '../command.js'
import { EXIT } from '../exit-codes.js'
import { jsonLine, printable } from '../printable.js'
import { writeQueues } from '../queue-rows.js'
import { targetArgs } from '../shared-args.js'
import { isStuck, writeSpools } from '../spool-lines.js'
import { suggest } from '../suggestion.js'
import { withTarget } from '../target/open-target.js'

export const status = command({
  args: targetArgs,
  examples: [
    ['', 'health and queues'],
    ['--json | jq .ready', 'for a script'],
  ],
  notes: ['Exit code 1 when commands cannot be accepted now.'],
  async run(invocation) {
    const { values, terminal } = invocation
    const { out } = terminal
    const { name, health, queues, spools } = await withTarget(invocation, values, async (target) => ({
      name: target.name,
      health: await target.health(),
      queues: await target.queues(),
      spools: await target.spools(),
    }))
    if (values.json === true) {
      out.line(jsonLine({ target: name, ...health, queues, spools }))
      return health.ready ? EXIT.ok : EXIT.failed
    }
    const verdict = health.ready
      ? out.paint('green', 'takes commands')
      : out.paint('red', 'takes no commands')
    out.line(`${printable(name)} ${verdict}`)
    for (const { name: check, detail } of health.checks.filter(({ ok }) => !ok)) {
      out.line(`  ${printable(check)}: ${printable(detail)}`)
    }
    out.line()
    writeQueues(out, queues, false)
    writeSpools(out, spools)
    if (queues.some(({ dead }) => dead > 0)) suggest(terminal, values, 'dlq list')
    if (spools.some(isStuck)) suggest(terminal, values, 'agent')
    return health.ready ? EXIT.ok : EXIT.failed
  },
})
