// `spillway journal inspect`: what a spool holds, without reading the frames.

import { command } from '../command.js'
import { jsonLine } from '../printable.js'
import { readSpool } from '../read-spool.js'
import { spoolArgs, spoolFolder } from '../spool-folder.js'
import { writeSpool } from '../spool-rows.js'
import { suggest } from '../suggestion.js'

export const journalInspect = command({
  args: spoolArgs,
  examples: [
    ['', 'the spool of the configuration'],
    ['./spool --json', 'one value, for a script'],
  ],
  notes: ['Changes nothing, and may run beside writers and agents.'],
  async run(invocation) {
    const { values, terminal } = invocation
    const spool = await spoolFolder(invocation, values)
    const report = await readSpool(spool)
    if (values.json === true) {
      terminal.out.line(jsonLine(report))
      return
    }
    writeSpool(terminal, report)
    if (report.quarantined.length > 0 || report.refused.length > 0)
      suggest(terminal, {}, `journal salvage ${spool} > salvaged.ndjson`)
  },
})
