// The two data files are gzipped CSV without quoted fields. Their header is checked, so that another file put in their
// place fails with a sentence instead of loading nonsense.

import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

/** Far more than any of the files has. */
const ROWS_MAX = 10_000_000

/** `rowsMax`: so many of the first rows at most. */
export function readGzipCsv(file: URL, columns: readonly string[], rowsMax = ROWS_MAX): string[][] {
  const text = gunzipSync(readFileSync(file)).toString('utf8').trimEnd()
  const [header, ...lines] = text.split(/\r?\n/, rowsMax + 1)
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
