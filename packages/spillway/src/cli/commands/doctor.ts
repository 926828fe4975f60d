// `spillway doctor`: what is wrong with this installation, and what to do about it.

import type { Finding } from '../../ports/index.js'
import { command } from '../command.js'
import { examine } from '../doctor/examine.js'
import { EXIT } from '../exit-codes.js'
import { jsonLine, printable } from '../printable.js'
import { globalArgs } from '../shared-args.js'
import type { Output } from '../terminal.js'

const COLOURS = { ok: 'green', warn: 'yellow', fail: 'red' } as const

export const doctor = command({
  args: globalArgs,
  examples: [['', 'every check, one line each']],
  notes: [
    'Changes nothing, but that queues of a broker are made where they are missing, as by every process that uses it.',
    'Exit code 1 when a check fails; warnings do not count.',
  ],
  async run(invocation) {
    const { values, terminal } = invocation
    const findings = await examine(invocation, values.config)
    const failed = findings.some(({ level }) => level === 'fail')
    if (values.json === true) terminal.out.line(jsonLine({ ok: !failed, findings }))
    else writeFindings(terminal.out, findings)
    return failed ? EXIT.failed : EXIT.ok
  },
})

function writeFindings(output: Output, findings: readonly Finding[]): void {
  const width = Math.max(...findings.map(({ name }) => name.length))
  for (const { name, level, detail, advice } of findings) {
    const mark = output.paint(COLOURS[level], level.padEnd(4))
    output.line(`${mark}  ${name.padEnd(width)}  ${printable(detail)}`)
    if (advice !== undefined) output.line(`${' '.repeat(8 + width)}${output.paint('dim', printable(advice))}`)
  }
}
