import Fastify, { type RouteOptions } from 'fastify'
import { afterEach, describe, expect, it } from 'vitest'
import type { Spillway } from '../app/api.js'
import { createSpillway } from '../app/create-spillway.js'
import { memory } from '../stores/memory/index.js'
import { type HttpOptions, httpPlugin } from './index.js'

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close()
})

async function mounted(options: HttpOptions = {}, prefix = '/jobs') {
  const spillway: Spillway = await createSpillway(
    { store: memory(), commands: [] },
    { logs: 'silent', roles: ['intake'] },
  )
  const routes: RouteOptions[] = []
  const app = Fastify()
  open.push(spillway, app)
  app.addHook('onRoute', (route) => {
    routes.push(route)
  })
  app.register(httpPlugin(spillway, options), { prefix })
  await app.ready()
  return { app, routes, prefix }
}

/** As the document spells it: `/v1/commands/:command(^[^:]+)::bulk` -> `/v1/commands/{command}:bulk`. */
const template = (url: string, prefix: string): string =>
  url
    .slice(prefix.length)
    .replaceAll('::', '\u0000')
    .replaceAll(/:(\w+)(\(\^\[\^:\]\+\))?/g, '{$1}')
    .replaceAll('\u0000', ':')

const refuses = (route: RouteOptions): boolean => String(route.handler).includes('undefined')

async function operations(options?: HttpOptions) {
  const { app, routes, prefix } = await mounted(options)
  const headers = options?.token === undefined ? {} : { authorization: `Bearer ${options.token}` }
  const document = (await app.inject({ url: `${prefix}/openapi.json`, headers })).json()
  return { document, routes, prefix }
}

interface Operation {
  readonly operationId: string
  readonly parameters: readonly { readonly in: string; readonly name: string }[]
  readonly responses: Readonly<Record<string, unknown>>
}

describe('routes', () => {
  it('each declare who may use them', async () => {
    const { routes } = await mounted()
    expect(routes.length).toBeGreaterThan(20)
    for (const route of routes)
      expect(['open', 'token'], `${route.method} ${route.url}`).toContain(route.config?.auth)
  })

  it('are open only for health checks', async () => {
    const { routes, prefix } = await mounted()
    const openOnes = routes
      .filter((route) => route.config?.auth === 'open')
      .map((route) => `${route.method} ${route.url.slice(prefix.length)}`)
    expect(openOnes.sort()).toEqual(['GET /livez', 'GET /readyz', 'HEAD /livez', 'HEAD /readyz'])
  })

  it('answer 401 without the token, whatever the method, and 405 with it', async () => {
    const token = 'a-token-of-16-chars'
    const { app, routes } = await mounted({ token })
    for (const route of routes.filter((each) => each.config?.auth === 'token')) {
      const url = route.url.replaceAll(/(?<!:):\w+(\([^)]*\))?/g, 'x').replace('::', ':')
      for (const method of [route.method].flat()) {
        const without = await app.inject({ method: method as 'GET', url })
        expect(without.statusCode, `${method} ${url}`).toBe(401)
        expect(without.headers['www-authenticate']).toMatch(/^Bearer/)
        if (!refuses(route)) continue
        const refused = await app.inject({
          method: method as 'GET',
          url,
          headers: { authorization: `Bearer ${token}` },
        })
        expect(refused.statusCode, `${method} ${url}`).toBe(405)
        expect(refused.headers.allow).not.toContain(method)
      }
    }
  })
})

describe('GET /openapi.json', () => {
  it('has every route, and nothing else', async () => {
    const { document, routes, prefix } = await operations()
    const served = routes
      .filter((route) => !refuses(route) && route.method !== 'HEAD')
      .map((route) => `${String(route.method).toLowerCase()} ${template(route.url, prefix)}`)
    const documented = Object.entries(document.paths as Record<string, object>).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    )
    expect(documented.sort()).toEqual(served.sort())
    expect(documented).toContain('post /v1/commands/{command}:bulk')
    expect(document.servers).toEqual([{ url: '/jobs' }])
  })

  it('declares its parameters, answers and references', async () => {
    const { document } = await operations()
    expect(document.openapi).toBe('3.1.0')
    const operationIds = new Set<string>()
    for (const [path, methods] of Object.entries(
      document.paths as Record<string, Record<string, Operation>>,
    )) {
      for (const operation of Object.values(methods)) {
        operationIds.add(operation.operationId)
        const inPath = operation.parameters
          .filter((each) => each.in === 'path')
          .map(({ name }) => `{${name}}`)
        expect(path.match(/\{\w+\}/g) ?? []).toEqual(inPath)
        expect(Object.keys(operation.responses).length).toBeGreaterThan(0)
      }
    }
    expect(operationIds.size).toBe(
      Object.values(document.paths as Record<string, object>).flatMap(Object.keys).length,
    )
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)].map(
      ([, name]) => name,
    )
    expect(references.length).toBeGreaterThan(20)
    expect(Object.keys(document.components.schemas)).toEqual(expect.arrayContaining(references))
    expect(JSON.stringify(document).match(/"\$ref":"(?!#\/components\/schemas\/)/)).toBeNull()
  })

  it('demands the token where it is demanded', async () => {
    const { document } = await operations({ token: 'a-token-of-16-chars' })
    expect(document.components.securitySchemes).toEqual({ token: { type: 'http', scheme: 'bearer' } })
    expect(document.paths['/v1/queues'].get.security).toEqual([{ token: [] }])
    expect(Object.keys(document.paths['/v1/queues'].get.responses)).toContain('401')
    expect(document.paths['/livez'].get.security).toBeUndefined()
    expect((await operations()).document.components.securitySchemes).toBeUndefined()
  })

  it('leaves out metrics where there are none', async () => {
    const { document } = await operations({ metrics: false })
    expect(document.paths['/metrics']).toBeUndefined()
  })
})
