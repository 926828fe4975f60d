// How values of the server become values of JavaScript, for the store's own statements only: an application may set other
// parsers for the whole process. Times and counts are int8 and far below 2^53.

import type { CustomTypesConfig } from 'pg'

type Parse = (text: string) => unknown

const BOOL = 16
const INTEGERS = [20, 21, 23, 26]
const FLOATS = [700, 701]
const JSONS = [114, 3802]
const NUMBER_ARRAYS = [1005, 1007, 1016]
const TEXT_ARRAYS = [1009, 1015]

const PARSERS: ReadonlyMap<number, Parse> = new Map<number, Parse>([
  [BOOL, (text) => text === 't'],
  ...[...INTEGERS, ...FLOATS].map((oid): [number, Parse] => [oid, Number]),
  ...JSONS.map((oid): [number, Parse] => [oid, JSON.parse]),
  ...NUMBER_ARRAYS.map((oid): [number, Parse] => [oid, numbers]),
  ...TEXT_ARRAYS.map((oid): [number, Parse] => [oid, texts]),
])

const asText: Parse = (text) => text

export const STORE_TYPES: CustomTypesConfig = {
  getTypeParser: ((oid: number) => PARSERS.get(oid) ?? asText) as CustomTypesConfig['getTypeParser'],
}

/** `{1,2,NULL}` */
function numbers(text: string): (number | null)[] {
  if (text === '{}') return []
  return text
    .slice(1, -1)
    .split(',')
    .map((element) => (element === 'NULL' ? null : Number(element)))
}

/** An element of `{plain,"quoted \" text",NULL}`. */
const ELEMENT = /"((?:[^"\\]|\\.)*)"|([^,{}"]+)/gs

function texts(text: string): (string | null)[] {
  return Array.from(text.matchAll(ELEMENT), ([, quoted, plain]) => {
    if (quoted !== undefined) return quoted.replace(/\\(.)/gs, '$1')
    return plain === 'NULL' ? null : (plain as string)
  })
}
