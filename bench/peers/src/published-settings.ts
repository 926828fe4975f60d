// Every setting that can change a figure, of the servers and of each side, as text under the figures and in the JSON.

import { BROKER_SETTINGS, MARIADB_SETTINGS, POSTGRES_SETTINGS, REDIS_SETTINGS } from './bed.js'
import { loadSide } from './sides/index.js'
import type { Settings } from './sides/side.js'
import { SIDE_NAMES, type SideName } from './sides/side-names.js'

export interface PublishedSettings {
  readonly servers: Readonly<Record<string, Settings | string>>
  readonly sides: Readonly<Record<string, Settings>>
}

export async function publishedSettings(sides: ReadonlySet<SideName> | null): Promise<PublishedSettings> {
  const shown = SIDE_NAMES.filter((name) => sides === null || sides.has(name))
  const entries = await Promise.all(
    shown.map(async (name) => {
      const { title, settings } = await loadSide(name)
      return [title, settings] as const
    }),
  )
  return {
    servers: {
      PostgreSQL: POSTGRES_SETTINGS,
      Redis: REDIS_SETTINGS,
      MariaDB: MARIADB_SETTINGS,
      ...BROKER_SETTINGS,
    },
    sides: Object.fromEntries(entries),
  }
}

export function settingsText({ servers, sides }: PublishedSettings): string {
  const lines = Object.entries({ ...servers, ...sides }).map(
    ([name, settings]) => `- ${name}: ${settingText(settings)}`,
  )
  return `## Settings\n\n${lines.join('\n')}\n`
}

function settingText(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value)
  return Object.entries(value)
    .map(([name, part]) =>
      typeof part === 'object' && part !== null
        ? `${name} (${settingText(part)})`
        : `${name} ${settingText(part)}`,
    )
    .join(', ')
}
