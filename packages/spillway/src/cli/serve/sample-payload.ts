// A payload that a command's schema accepts, made up from its JSON Schema, for the curl that `dev` prints.

import type { AnyCommand } from '../../config/index.js'

type JsonSchema = Readonly<Record<string, unknown>>

/** Schemas inside schemas that are followed; deeper ones are left empty. */
const DEPTH_MAX = 8

const FORMATS: Readonly<Record<string, string>> = {
  uuid: '0193e4f0-c1e0-7a5d-8d7d-1e3fb4a2c9d0',
  email: 'someone@example.com',
  uri: 'https://example.com/',
  url: 'https://example.com/',
  'date-time': '2030-01-31T08:00:00Z',
  date: '2030-01-31',
  time: '08:00:00Z',
}

/** Null when the schema does not describe itself, or none of what was made up is accepted. */
export async function samplePayload({ input }: AnyCommand): Promise<{ readonly payload: unknown } | null> {
  const schema = jsonSchemaOf(input)
  const payload = schema === null ? {} : sample(schema, schema, 0)
  try {
    const verdict = await input['~standard'].validate(payload)
    return verdict.issues === undefined ? { payload } : null
  } catch {
    return null
  }
}

/** Of schema libraries that implement Standard JSON Schema. */
function jsonSchemaOf(input: AnyCommand['input']): JsonSchema | null {
  const standard = input['~standard'] as { jsonSchema?: { input?: (options: object) => JsonSchema } }
  try {
    return standard.jsonSchema?.input?.({ target: 'draft-2020-12' }) ?? null
  } catch {
    // Some schemas have no JSON form at all.
    return null
  }
}

function sample(schema: unknown, root: JsonSchema, depth: number): unknown {
  if (typeof schema !== 'object' || schema === null || depth > DEPTH_MAX) return null
  const node = schema as JsonSchema
  for (const name of ['const', 'default']) if (Object.hasOwn(node, name)) return node[name]
  for (const name of ['examples', 'enum']) {
    const values = node[name]
    if (Array.isArray(values) && values.length > 0) return values[0]
  }
  const below = (inner: unknown): unknown => sample(inner, root, depth + 1)
  if (typeof node.$ref === 'string') return below(referenced(node.$ref, root))
  for (const name of ['anyOf', 'oneOf']) {
    const choices = node[name]
    if (Array.isArray(choices)) return below(choices[0])
  }
  if (Array.isArray(node.allOf)) return Object.assign({}, ...node.allOf.map(below))
  return ofType(node, below)
}

function ofType(node: JsonSchema, below: (inner: unknown) => unknown): unknown {
  const type = Array.isArray(node.type) ? node.type[0] : node.type
  switch (type) {
    case 'object':
      return objectOf(node, below)
    case 'array':
      return Array.from({ length: Number(node.minItems ?? 0) }, () => below(node.items))
    case 'integer':
    case 'number':
      return numberWithin(node)
    case 'boolean':
      return true
    case 'string':
      return textOf(node)
    default:
      return null
  }
}

function objectOf(node: JsonSchema, below: (inner: unknown) => unknown): object {
  const properties = (node.properties ?? {}) as JsonSchema
  const required = Array.isArray(node.required) ? (node.required as string[]) : []
  return Object.fromEntries(required.map((name) => [name, below(properties[name])]))
}

function numberWithin({ minimum, exclusiveMinimum, maximum, exclusiveMaximum }: JsonSchema): number {
  const least = typeof exclusiveMinimum === 'number' ? exclusiveMinimum + 1 : Number(minimum ?? 1)
  const most =
    typeof exclusiveMaximum === 'number' ? exclusiveMaximum - 1 : Number(maximum ?? Number.MAX_SAFE_INTEGER)
  // A schema for any integer names the smallest safe one as its minimum.
  return Math.min(most, Math.max(least, 1))
}

function textOf({ format, minLength, maxLength }: JsonSchema): string {
  if (typeof format === 'string' && FORMATS[format] !== undefined) return FORMATS[format]
  return 'example'.padEnd(Number(minLength ?? 0), '-').slice(0, Number(maxLength ?? Number.MAX_SAFE_INTEGER))
}

function referenced(ref: string, root: JsonSchema): unknown {
  if (ref === '#') return root
  return ref
    .replace(/^#\//, '')
    .split('/')
    .reduce<unknown>((node, part) => (node as JsonSchema | undefined)?.[part], root)
}
