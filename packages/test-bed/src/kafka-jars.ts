// Finds the jars that a Kafka broker consists of. Beside them lies the list that they were fetched by: jars of another list are not ours.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { cacheFolders } from './environment.js'

const LIST = new URL('../kafka/pom.xml', import.meta.url)

export function findKafkaJars(): string | null {
  const wanted = textOf(LIST)
  const folders = cacheFolders().map((folder) => join(folder, 'kafka'))
  return folders.find((folder) => textOf(join(folder, 'pom.xml')) === wanted) ?? null
}

export function kafkaJars(): string {
  const folder = findKafkaJars()
  if (folder === null)
    throw new Error('the broker of Kafka is not installed: run scripts/services install kafka')
  return folder
}

function textOf(path: URL | string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}
