// The two data files are gzipped CSV without quoted fields. Their header is checked, so that another file put in their
// place fails with a sentence instead of loading nonsense.

import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

export function readGzipCsv(file: URL, columns: readonly string[]): string[][] {
  const [header, ...lines] = gunzipSync(readFileSync(file)).toString('utf8').trimEnd().split(/\r?\n/)
  if (header !== columns.join(',')) {
    throw new Error(
      `${file.pathname}: expected the columns ${columns.join(',')}, found ${header ?? 'nothing'}`,
    )
  }
  return lines.map((line, index) => {
    const fields = line.split(',')
    if (fields.length !== columns.length) {
      throw new Error(
        `${file.pathname}, line ${index + 2}: expected ${columns.length} fields, found ${fields.length}`,
      )
    }
    return fields
  })
}
