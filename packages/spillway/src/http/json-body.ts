// JSON from strangers: parsed once, bounded in depth before parsing, and refused when it carries keys that poison prototypes
// in code that merges objects. On the hot path, so each check is paid only by bodies that could fail it.

import { isUtf8 } from 'node:buffer'
import { RequestError } from './problem.js'

/** The value of a whole body. Throws `malformed_json`. */
export function parseJsonBody(body: Buffer, depthMax: number): unknown {
  if (!isUtf8(body)) throw new RequestError('malformed_json', 'The body is not valid UTF-8.')
  return parseJson(body.toString('utf8'), depthMax)
}

/** The value of a JSON text. Throws `malformed_json`. */
export function parseJson(text: string, depthMax: number): unknown {
  checkDepth(text, depthMax)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // The parser's own message quotes the text, and a payload must not travel into errors.
    throw new RequestError(
      'malformed_json',
      text.trim() === '' ? 'JSON was expected, and nothing came.' : 'This is not valid JSON.',
    )
  }
  if (mayPoison(text)) checkKeys(value)
  return value
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

function checkDepth(text: string, depthMax: number): void {
  // Every level needs two characters, so a short text cannot be too deep.
  if (text.length <= depthMax * 2) return
  let depth = 0
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) {
      at = endOfString(text, at + 1)
    } else if (code === OPEN_OBJECT || code === OPEN_ARRAY) {
      depth += 1
      if (depth > depthMax)
        throw new RequestError('malformed_json', `JSON may be nested at most ${depthMax} levels deep.`)
    } else if (code === CLOSE_OBJECT || code === CLOSE_ARRAY) {
      depth -= 1
    }
  }
}

/** Where the string ends whose first character is at `at`. */
function endOfString(text: string, at: number): number {
  let end = at
  for (; end < text.length; end += 1) {
    const code = text.charCodeAt(end)
    if (code === QUOTE) break
    if (code === BACKSLASH) end += 1
  }
  return end
}

/** Whether a key could be dangerous, escapes included: a quick look that almost every text passes. */
function mayPoison(text: string): boolean {
  return text.includes('__proto__') || text.includes('constructor') || text.includes('\\u')
}

function checkKeys(root: unknown): void {
  const open: unknown[] = [root]
  while (open.length > 0) {
    const node = open.pop()
    if (typeof node !== 'object' || node === null) continue
    if (Object.hasOwn(node, '__proto__') || hasPrototype(Object.entries(node))) {
      throw new RequestError(
        'malformed_json',
        'Keys named __proto__, and constructor with a prototype in it, are not accepted.',
      )
    }
    for (const child of Object.values(node)) open.push(child)
  }
}

function hasPrototype(entries: readonly (readonly [string, unknown])[]): boolean {
  return entries.some(
    ([key, value]) =>
      key === 'constructor' &&
      typeof value === 'object' &&
      value !== null &&
      Object.hasOwn(value, 'prototype'),
  )
}
