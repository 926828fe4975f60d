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
] as const

export type SectionName = (typeof SECTION_NAMES)[number]
