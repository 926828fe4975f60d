import { badDays } from './bad-days.js'
import { http } from './http.js'
import { lone } from './lone.js'
import { ndjson } from './ndjson.js'
import type { Section } from './section.js'
import { stream } from './stream.js'
import { submits } from './submits.js'

export const SECTION_NAMES = ['submits', 'lone', 'http', 'ndjson', 'stream', 'bad-days'] as const
export type SectionName = (typeof SECTION_NAMES)[number]

export const SECTIONS: Readonly<Record<SectionName, Section>> = {
  submits,
  lone,
  http,
  ndjson,
  stream,
  'bad-days': badDays,
}
