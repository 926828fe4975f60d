// What the processes outside the system under test have in common: they run from their source, and leave a log of one JSON text a line.

import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

export const JITI = fileURLToPath(import.meta.resolve('jiti/package.json')).replace(
  'package.json',
  'lib/jiti-cli.mjs',
)

export async function readLog<Event>(path: string): Promise<readonly Event[]> {
  const text = await readFile(path, 'utf8')
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
}
