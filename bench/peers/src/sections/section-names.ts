// The names of all sections, apart from their code: the command line needs no more of them.

export const SECTION_NAMES = [
  'submits',
  'bulk-api',
  'callers',
  'backlog',
  'failures',
  'latency',
  'dedupe',
  'processes',
  'idle',
  'mariadb',
  'journal',
  'agent',
  'brokers',
] as const

export type SectionName = (typeof SECTION_NAMES)[number]
