// Results as text. The tables are Markdown, so that they can be put into a README as they are.

import { type Machine, machineLine } from './machine.js'
import type { SectionResult, Target } from './sections/section.js'

export function headline(machine: Machine, quick: boolean): string {
  const caution = quick ? '\nQuick run: one round, small loads. Not to be quoted.' : ''
  return `Machine: ${machineLine(machine)}${caution}\n`
}

export function sectionText({ title, table, targets }: SectionResult): string {
  return `## ${title}\n\n${markdownTable(table)}\n\n${targets.map(targetLine).join('\n')}\n`
}

export function summaryLine(results: readonly SectionResult[]): string {
  const targets = results.flatMap((result) => result.targets)
  const missed = targets.filter((target) => !target.met)
  const missedText = missed.length === 0 ? '' : `; missed: ${missed.map((target) => target.what).join('; ')}`
  return `${targets.length - missed.length} of ${targets.length} targets met${missedText}`
}

function targetLine({ what, measured, wanted, met }: Target): string {
  return `- ${met ? 'met' : 'NOT MET'}: ${what} ${measured} (target ${wanted})`
}

function markdownTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => pad(cell, widths[column] ?? 0, column)).join(' | ')} |`
  const rule = `|${widths.map((width, column) => (column === 0 ? `-${'-'.repeat(width)}-` : `-${'-'.repeat(width)}:`)).join('|')}|`
  const [header = [], ...body] = rows
  return [line(header), rule, ...body.map(line)].join('\n')
}

function pad(cell: string, width: number, column: number): string {
  return column === 0 ? cell.padEnd(width) : cell.padStart(width)
}
